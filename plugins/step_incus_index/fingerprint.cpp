#include "fingerprint.h"

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>

namespace imgsrv_incus {
namespace {

namespace sdk = imgsrv::sdk;

constexpr std::size_t kBlock = 1024 * 1024;

class Sha256 {
  public:
    Sha256() : context_(EVP_MD_CTX_new()) {
        if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) fail();
    }

    void update(std::span<const std::byte> bytes) {
        if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) fail();
    }

    std::string hex() {
        std::array<unsigned char, 32> digest{};
        if (EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) fail();
        std::string text;
        text.reserve(2 * digest.size());
        for (const unsigned char byte : digest) {
            text += "0123456789abcdef"[byte >> 4];
            text += "0123456789abcdef"[byte & 15];
        }
        return text;
    }

  private:
    [[noreturn]] static void fail() { throw sdk::Failure(IMGSRV_INTERNAL, "OpenSSL cannot compute SHA-256"); }

    struct Free {
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

[[noreturn]] void refuse_length(const File& file, const std::string& comparison) {
    throw sdk::Failure(IMGSRV_DATA_LOSS, "blob sha256:" + file.sha256 + " has " + comparison + " than the " +
                                             std::to_string(file.size) + " bytes that the manifest says");
}

}  // namespace

std::vector<std::string> combined_fingerprints(const sdk::Call& call, sdk::StepRun& run, std::span<const File> metadata,
                                               const File& root, Progress& progress) {
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(kBlock);
    const std::span<std::byte> block(memory.get(), kBlock);
    const auto feed = [&](const File& file, std::span<Sha256> hashes) {
        sdk::OwnedReader reader = run.open_blob(call, "sha256:" + file.sha256);
        std::uint64_t length = 0;
        while (true) {
            call.throw_if_cancelled();
            const std::size_t n = reader.read(block);
            if (n == 0) break;
            length += n;
            if (length > file.size) refuse_length(file, "more");
            for (Sha256& hash : hashes) hash.update(block.first(n));
            progress.add(n);
        }
        if (length < file.size) refuse_length(file, "fewer");
    };

    std::vector<Sha256> hashes(metadata.size());
    for (std::size_t i = 0; i < metadata.size(); ++i) feed(metadata[i], std::span(hashes).subspan(i, 1));
    feed(root, hashes);

    std::vector<std::string> fingerprints;
    fingerprints.reserve(hashes.size());
    for (Sha256& hash : hashes) fingerprints.push_back(hash.hex());
    return fingerprints;
}

}  // namespace imgsrv_incus
