#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "image_row.h"

namespace imgsrv_incus {

// One published version.
struct Version {
    std::string id;
    std::string image;
    std::string display_name;  // the image's; may be empty
    std::string name;
    std::int64_t published_us = 0;     // since 1970, UTC
    std::vector<std::string> aliases;  // those that point at it now
};

// The two clients. Each reads only its own file types, so a version that carries an `incus.tar.xz` and another
// `lxd.tar.xz` is one image to Incus and a different one to LXD.
enum class Client : std::size_t { incus, lxd };
inline constexpr std::array kClients{Client::incus, Client::lxd};

// Whether the client is shown this image, and under which fingerprint. An LXD client takes every unified image for a
// container, so a unified virtual machine is shown to Incus alone.
bool listed_for(const ImageRow& row, Client client);
const std::string& fingerprint_of(const ImageRow& row, Client client);

// One row as a product lists it, for the clients that are shown it.
struct Listing {
    const ImageRow* row = nullptr;
    std::array<bool, kClients.size()> shown{};
};

// One product of the document: images of one version that have the same names.
struct Product {
    std::string key;
    const Version* version = nullptr;
    const ImageRow* sample = nullptr;  // gives arch, os and variant, which all listings share
    std::vector<std::string> aliases;
    std::vector<Listing> listings;  // at most one of each kind
};

// Gathers rows in any order and decides what is listed under which names. The rules, each from the way the clients
// read the document:
//  - A fingerprint is listed once for a client, by the first row that has it, with the names of every version that has
//    it: listed twice, it could not be downloaded.
//  - A name is given to one fingerprint for each client, kind and architecture. Exact versions take theirs first, then
//    aliases, then the bare image name, each in the order of products(): what a client would find under a name that two
//    images claim depends on its way of sorting.
//  - Names belong to a product, so images whose names differ are in different products even when they are of one
//    version. The first such product has the key `image:version:arch:variant`, the others end in `/2`, `/3`, …
class Catalogue {
  public:
    // One artifact of one version.
    struct Entry {
        const Version* version;
        std::string key;
        ImageRow row;
    };

    // Null while the version is unknown. Pointers and references to versions last as long as this object.
    const Version* find(const std::string& version_id) const;
    const Version& add(Version version);
    // `version`: one that add() or find() gave.
    void add(const Version& version, std::string key, ImageRow row);

    // Products in a stable order: by image, time of publication and version. Views into this object.
    std::vector<Product> products() const;

  private:
    std::unordered_map<std::string, Version> versions_;  // by id
    std::vector<Entry> entries_;
};

}  // namespace imgsrv_incus
