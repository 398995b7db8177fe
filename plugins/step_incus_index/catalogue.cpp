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

constexpr std::size_t index_of(Client client) {
    return static_cast<std::size_t>(client);
}

// What one client knows under one fingerprint.
struct Image {
    const ImageRow* home = nullptr;  // the row that lists it
    std::vector<std::string> aliases;
};

// The names one client can look up: each has one owner for a kind and an architecture.
class Names {
  public:
    void claim(Image& image, std::string name) {
        std::string key = image.home->kind == Kind::container ? "c/" : "v/";
        key.append(image.home->arch).append("/").append(name);
        if (owned_.insert(std::move(key)).second) image.aliases.push_back(std::move(name));
    }

  private:
    std::unordered_set<std::string> owned_;
};

std::string with_variant(std::string name, const ImageRow& row) {
    if (row.variant != kDefaultVariant) name.append("/").append(row.variant);
    return name;
}

std::string product_key(const Version& version, const ImageRow& row) {
    return version.image + ":" + version.name + ":" + row.arch + ":" + row.variant;
}

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

    // What each client sees: one image for each fingerprint, and for each name one image.
    std::array<std::unordered_map<std::string_view, Image>, kClients.size()> images;
    for (const Client client : kClients) {
        auto& seen = images[index_of(client)];
        seen.reserve(order.size());
        for (const Entry* e : order) {
            if (listed_for(e->row, client)) seen.try_emplace(fingerprint_of(e->row, client), Image{&e->row, {}});
        }
        Names names;
        const auto claim_all = [&](auto&& names_of) {
            for (const Entry* e : order) {
                if (!listed_for(e->row, client)) continue;
                names_of(*e, seen.find(fingerprint_of(e->row, client))->second);
            }
        };
        claim_all([&](const Entry& e, Image& image) {
            names.claim(image, with_variant(e.version->image + "/" + e.version->name, e.row));
        });
        claim_all([&](const Entry& e, Image& image) {
            for (const std::string& alias : e.version->aliases) {
                names.claim(image, with_variant(e.version->image + "/" + alias, e.row));
            }
        });
        claim_all([&](const Entry& e, Image& image) {
            if (std::ranges::find(e.version->aliases, kLatestAlias) != e.version->aliases.end()) {
                names.claim(image, with_variant(e.version->image, e.row));
            }
        });
    }

    std::vector<Product> products;
    products.reserve(order.size());
    std::size_t first_of_version = 0;
    std::unordered_map<std::string, int> keys;

    // Adds the listing to a product of its version that has the same names and no image of its kind yet.
    const auto place = [&](const Version& version, Listing listing, std::vector<std::string> aliases) {
        const ImageRow& row = *listing.row;
        if (!products.empty() && products.back().version != &version) first_of_version = products.size();
        const auto fits = [&](const Product& p) {
            return p.sample->arch == row.arch && p.sample->os == row.os && p.sample->variant == row.variant &&
                   p.aliases == aliases &&
                   std::ranges::none_of(p.listings, [&](const Listing& l) { return l.row->kind == row.kind; });
        };
        const auto found =
            std::find_if(products.begin() + static_cast<std::ptrdiff_t>(first_of_version), products.end(), fits);
        if (found != products.end()) {
            found->listings.push_back(listing);
            return;
        }
        std::string key = product_key(version, row);
        if (const int nth = ++keys[key]; nth > 1) key += "/" + std::to_string(nth);
        products.push_back({std::move(key), &version, &row, std::move(aliases), {listing}});
    };

    for (const Entry* e : order) {
        std::array<const Image*, kClients.size()> shown{};
        for (const Client client : kClients) {
            if (!listed_for(e->row, client)) continue;
            const Image& image = images[index_of(client)].find(fingerprint_of(e->row, client))->second;
            if (image.home == &e->row) shown[index_of(client)] = &image;
        }
        if (shown[0] && shown[1] && shown[0]->aliases == shown[1]->aliases) {
            place(*e->version, {&e->row, {true, true}}, shown[0]->aliases);
            continue;
        }
        for (const Client client : kClients) {
            if (!shown[index_of(client)]) continue;
            Listing one{&e->row, {}};
            one.shown[index_of(client)] = true;
            place(*e->version, one, shown[index_of(client)]->aliases);
        }
    }
    return products;
}

}  // namespace imgsrv_incus
