#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

// How Incus and LXD read Simple Streams, as far as it decides what a user finds under a name.
class StreamsClient {
  public:
    enum class Kind { incus, lxd };

    struct Image {
        std::string fingerprint;
        std::string type;  // "container", "virtual-machine"
        std::string arch;  // as the product says
        std::string release;
        std::vector<std::string> aliases;
        // Path, hash and size of what is downloaded, metadata first.
        struct File {
            std::string path, sha256;
            std::uint64_t size;
        };
        std::vector<File> files;
    };

    // Throws std::runtime_error where a client would refuse the documents, would skip a version, or would have to
    // choose: a fingerprint that is listed twice, a name that two images of one type and architecture claim.
    StreamsClient(Kind kind, const std::string& index, const std::string& images);

    const std::vector<Image>& images() const { return images_; }
    // The fingerprint under a name; empty when there is none.
    std::string find(const std::string& type, const std::string& arch, const std::string& alias) const;
    // nullptr when there is none.
    const Image* image(const std::string& fingerprint) const;

  private:
    void read_version(const nlohmann::json& product, const nlohmann::json& version);
    void add(const nlohmann::json& product, const nlohmann::json& metadata, const nlohmann::json* root);

    std::string name_;
    std::vector<Image> images_;
    std::map<std::string, std::string> aliases_;
};
