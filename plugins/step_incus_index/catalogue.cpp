#include "catalogue.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace imgsrv_incus {
namespace {

constexpr std::string_view kDefaultVariant = "default";
constexpr std::string_view kLatestAlias = "latest";

using Entry = Catalogue::Entry;

std::string with_variant(std::string name, const ImageRow& row) {
    if (row.variant != kDefaultVariant) name.append("/").append(row.variant);
    return name;
}

std::string product_key(const Version& version, const ImageRow& row) {
    return version.image + ":" + version.name + ":" + row.arch + ":" + row.variant;
}

// What one client knows under one fingerprint.
struct Image {
    const Entry* home = nullptr;  // the row that lists it
    std::vector<std::string> aliases;
};

// The catalogue as one client sees it: one image for each fingerprint, and one image for each name.
class ClientView {
  public:
    ClientView(Client client, const std::vector<const Entry*>& order) : order_(order), image_of_(order.size()) {
        images_.reserve(order.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            const Entry& e = *order[i];
            if (!listed_for(e.row, client)) continue;
            image_of_[i] = &images_.try_emplace(fingerprint_of(e.row, client), Image{&e, {}}).first->second;
        }
        give_names();
    }

    // The image that the i-th row lists; null when an earlier row lists it, or it is not for this client.
    const Image* listed_by(std::size_t i) const {
        return image_of_[i] && image_of_[i]->home == order_[i] ? image_of_[i] : nullptr;
    }

  private:
    void give_names() {
        owned_.reserve(2 * order_.size());
        for_each_row([&](const Entry& e, Image& image) { claim(e, image, "/" + e.version->name); });
        for_each_row([&](const Entry& e, Image& image) {
            for (const std::string& alias : e.version->aliases) claim(e, image, "/" + alias);
        });
        for_each_row([&](const Entry& e, Image& image) {
            if (std::ranges::find(e.version->aliases, kLatestAlias) != e.version->aliases.end()) claim(e, image, "");
        });
    }

    template <class F>
    void for_each_row(F&& f) {
        for (std::size_t i = 0; i < order_.size(); ++i)
            if (image_of_[i]) f(*order_[i], *image_of_[i]);
    }

    // A name has one owner for a kind and an architecture; they are those of the row that lists the image.
    void claim(const Entry& e, Image& image, const std::string& suffix) {
        std::string name = with_variant(e.version->image + suffix, e.row);
        std::string key = image.home->row.kind == Kind::container ? "c/" : "v/";
        key.append(image.home->row.arch).append("/").append(name);
        if (owned_.insert(std::move(key)).second) image.aliases.push_back(std::move(name));
    }

    const std::vector<const Entry*>& order_;
    std::unordered_map<std::string_view, Image> images_;  // by fingerprint
    std::vector<Image*> image_of_;                        // by row; null: not for this client
    std::unordered_set<std::string> owned_;
};

// Gathers listings into products. Listings of one version are added one after the other.
class ProductList {
  public:
    explicit ProductList(std::size_t most) { products_.reserve(most); }

    // To a product of the version that has the same names and no image of this kind yet, or to a new one.
    void add(const Entry& e, std::array<bool, kClients.size()> shown, const std::vector<std::string>& aliases) {
        if (!products_.empty() && products_.back().version != e.version) first_of_version_ = products_.size();
        const auto fits = [&](const Product& p) {
            return p.sample->arch == e.row.arch && p.sample->os == e.row.os && p.sample->variant == e.row.variant &&
                   p.aliases == aliases &&
                   std::ranges::none_of(p.listings, [&](const Listing& l) { return l.row->kind == e.row.kind; });
        };
        const auto begin = products_.begin() + static_cast<std::ptrdiff_t>(first_of_version_);
        if (const auto found = std::find_if(begin, products_.end(), fits); found != products_.end()) {
            found->listings.push_back({&e.row, shown});
            return;
        }
        std::string key = product_key(*e.version, e.row);
        if (const int nth = ++keys_[key]; nth > 1) key += "/" + std::to_string(nth);
        products_.push_back({std::move(key), e.version, &e.row, aliases, {{&e.row, shown}}});
    }

    std::vector<Product> take() { return std::move(products_); }

  private:
    std::vector<Product> products_;
    std::size_t first_of_version_ = 0;
    std::unordered_map<std::string, int> keys_;
};

}  // namespace

bool listed_for(const ImageRow& row, Client client) {
    return client == Client::incus || row.format != Format::unified_tar_gz || row.kind == Kind::container;
}

const std::string& fingerprint_of(const ImageRow& row, Client client) {
    if (row.format == Format::unified_tar_gz) return row.root.sha256;
    return (client == Client::incus ? row.incus : row.lxd)->fingerprint;
}

const Version* Catalogue::find(const std::string& version_id) const {
    const auto at = versions_.find(version_id);
    return at == versions_.end() ? nullptr : &at->second;
}

const Version& Catalogue::add(Version version) {
    std::string id = version.id;
    return versions_.try_emplace(std::move(id), std::move(version)).first->second;
}

void Catalogue::add(const Version& version, std::string key, ImageRow row) {
    entries_.push_back({&version, std::move(key), std::move(row)});
}

std::vector<Product> Catalogue::products() const {
    std::vector<const Entry*> order;
    order.reserve(entries_.size());
    for (const Entry& entry : entries_) order.push_back(&entry);
    std::ranges::sort(order, {}, [](const Entry* e) {
        const Version& v = *e->version;
        return std::tie(v.image, v.published_us, v.name, v.id, e->row.os, e->row.variant, e->row.arch, e->row.format,
                        e->key);
    });

    const ClientView incus(Client::incus, order), lxd(Client::lxd, order);
    ProductList products(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        const Image* for_incus = incus.listed_by(i);
        const Image* for_lxd = lxd.listed_by(i);
        if (for_incus && for_lxd && for_incus->aliases == for_lxd->aliases) {
            products.add(*order[i], {true, true}, for_incus->aliases);
            continue;
        }
        if (for_incus) products.add(*order[i], {true, false}, for_incus->aliases);
        if (for_lxd) products.add(*order[i], {false, true}, for_lxd->aliases);
    }
    return products.take();
}

}  // namespace imgsrv_incus
