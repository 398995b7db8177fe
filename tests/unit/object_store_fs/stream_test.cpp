#include "stream.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

using namespace imgsrv;
using namespace imgsrv::fs;

namespace {

constexpr std::size_t kMib = 1 << 20;

struct Folder {
    std::string path = "/tmp/imgsrv-stream-XXXXXX";
    Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(path); }

    Fd open(const std::string& name, int flags) const {
        Fd fd(::open((path + "/" + name).c_str(), flags | O_CLOEXEC, 0600));
        REQUIRE(fd);
        return fd;
    }
    Volume volume(bool direct) const { return Volume(open(".", O_RDONLY | O_DIRECTORY), true, direct); }
};

std::vector<std::byte> random_bytes(std::size_t size) {
    std::minstd_rand random(static_cast<unsigned>(size));
    std::vector<std::byte> bytes(size);
    for (auto& b : bytes) b = static_cast<std::byte>(random());
    return bytes;
}

// Through aligned blocks, as pump() does, or from an address that is not aligned.
void write_all(const Volume& volume, int fd, std::uint64_t offset, const std::vector<std::byte>& bytes, bool aligned) {
    RangeWriter writer(volume, fd, offset, bytes.size());
    const Block block = new_block(kBlockBytes + 1);
    for (std::size_t done = 0; done < bytes.size();) {
        const std::size_t n = std::min(kBlockBytes, bytes.size() - done);
        std::byte* at = block.get() + (aligned ? 0 : 1);
        std::copy_n(bytes.data() + done, n, at);
        writer.write({at, n});
        done += n;
    }
    CHECK(writer.written() == bytes.size());
    volume.sync_data(fd);
}

std::vector<std::byte> read_all(sdk::ByteSource& source, std::size_t step, bool aligned) {
    std::vector<std::byte> all;
    const Block block = new_block(step + 1);
    std::byte* at = block.get() + (aligned ? 0 : 1);
    while (const std::size_t n = source.read({at, step})) all.insert(all.end(), at, at + n);
    return all;
}

}  // namespace

TEST_CASE("a range holds what was written, whatever its offset, size and alignment, and nothing beside it changes") {
    const Folder folder;
    const bool direct = GENERATE(false, true);
    const std::uint64_t offset = GENERATE(0, 4096, 1000);
    const std::size_t size = GENERATE(10u, 1u * kMib, 2 * kMib + 4095, 3 * kMib + 512);
    const bool aligned = GENERATE(true, false);
    CAPTURE(direct, offset, size, aligned);

    const auto around = random_bytes(5 * kMib);
    const auto bytes = random_bytes(size);
    const Volume buffered = folder.volume(false);
    write_all(buffered, folder.open("f", O_WRONLY | O_CREAT).get(), 0, around, true);
    write_all(folder.volume(direct), folder.open("f", O_WRONLY).get(), offset, bytes, aligned);

    auto expected = around;
    std::copy(bytes.begin(), bytes.end(), expected.begin() + static_cast<std::ptrdiff_t>(offset));
    FileSource whole(folder.open("f", O_RDONLY), 0, expected.size(), false);
    CHECK((read_all(whole, kMib, true) == expected));
}

TEST_CASE("a range is read whole, whatever its offset, the reader's buffer and its alignment") {
    const Folder folder;
    const bool direct = GENERATE(false, true);
    const std::uint64_t offset = GENERATE(0, 8192, 777);
    const std::size_t step = GENERATE(1000u, 4096u, 100'000u, 1u * kMib);
    const bool aligned = GENERATE(true, false);
    CAPTURE(direct, offset, step, aligned);

    const auto bytes = random_bytes(2 * kMib + 300);
    write_all(folder.volume(false), folder.open("f", O_WRONLY | O_CREAT).get(), 0, bytes, true);
    const std::size_t size = bytes.size() - offset;
    FileSource source(folder.open("f", O_RDONLY), offset, size, direct);
    const std::vector<std::byte> expected(bytes.begin() + static_cast<std::ptrdiff_t>(offset), bytes.end());
    CHECK((read_all(source, step, aligned) == expected));
    source.rewind();
    CHECK((read_all(source, step, aligned) == expected));
}

TEST_CASE("a file that is shorter than its range is data loss, not an end") {
    const Folder folder;
    const bool direct = GENERATE(false, true);
    const auto bytes = random_bytes(2 * kMib);
    write_all(folder.volume(false), folder.open("f", O_WRONLY | O_CREAT).get(), 0, bytes, true);
    FileSource source(folder.open("f", O_RDONLY), 0, 3 * kMib, direct);
    try {
        read_all(source, kMib, true);
        FAIL("the end passed for the whole");
    } catch (const sdk::Failure& failure) {
        CHECK(failure.code == IMGSRV_DATA_LOSS);
    }
}

TEST_CASE("a long stream has its space before its first byte when it goes past the page cache") {
    const Folder folder;
    const Fd fd = folder.open("f", O_WRONLY | O_CREAT);
    const Volume volume = folder.volume(true);
    const RangeWriter writer(volume, fd.get(), 0, 8 * kMib);
    struct stat st {};
    REQUIRE(::fstat(fd.get(), &st) == 0);
    if ((::fcntl(fd.get(), F_GETFL) & O_DIRECT) != 0)
        CHECK(static_cast<std::size_t>(st.st_blocks) * 512 >= 8 * kMib);
    else
        CHECK(st.st_blocks == 0);
}
