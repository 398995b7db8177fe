#include "journal.h"

#include <fcntl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

using namespace imgsrv;
using namespace imgsrv::fs;

namespace {

// A journal in a file without a name.
struct Fixture {
    Volume volume{Fd(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), false, false};
    Fd file{::open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600)};

    Fixture() {
        REQUIRE(file);
        write_journal_header(volume, file.get(), {"blobs/x", 1234, 99});
    }
    Journal journal() { return Journal(volume, Fd(::dup(file.get())), read_journal(volume, file.get())); }
    std::vector<Record> records() { return read_journal(volume, file.get()).records; }
    void damage(off_t at) {
        char byte = 0;
        REQUIRE(::pread(file.get(), &byte, 1, at) == 1);
        byte = static_cast<char>(~byte);
        REQUIRE(::pwrite(file.get(), &byte, 1, at) == 1);
    }
};

Record part(std::uint32_t number) {
    Record record;
    record.number = number;
    record.size = number * 10;
    record.offset = number * 100;
    record.unit = 7;
    record.file = 1;
    record.etag = new_part_etag();
    return record;
}

}  // namespace

TEST_CASE("a record comes back as it was, and no bit may change") {
    const auto record = part(5);
    const auto bytes = encode(record);
    const auto back = decode(bytes);
    REQUIRE(back);
    CHECK(back->number == 5);
    CHECK(back->size == 50);
    CHECK(back->offset == 500);
    CHECK(back->unit == 7);
    CHECK(back->file == 1);
    CHECK(back->etag == record.etag);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto changed = bytes;
        changed[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
        REQUIRE_FALSE(decode(changed));
    }
    CHECK_FALSE(decode(std::array<std::byte, kRecordBytes>{}));
}

TEST_CASE("a header comes back as it was, with the longest key") {
    const JournalHeader header{std::string(1024, 'k'), -5, UINT64_MAX};
    const auto block = encode(header);
    const auto back = decode_header(block);
    REQUIRE(back);
    CHECK(back->key == header.key);
    CHECK(back->created_us == -5);
    CHECK(back->expected_size == UINT64_MAX);
    CHECK_FALSE(decode_header(std::span(block).first(100)));
}

TEST_CASE("records are read in the order they were appended, across blocks and reopenings") {
    Fixture fixture;
    for (std::uint32_t number = 1; number <= 200; ++number) {
        auto journal = fixture.journal();
        auto record = part(number);
        journal.append({&record, 1});
        CHECK(record.sequence == number);
    }
    const auto records = fixture.records();
    REQUIRE(records.size() == 200);
    for (std::uint32_t i = 0; i < 200; ++i) CHECK(records[i].number == i + 1);
}

TEST_CASE("a torn record harms none of the others, and its place is used again") {
    Fixture fixture;
    auto journal = fixture.journal();
    for (std::uint32_t number = 1; number <= 3; ++number) {
        auto record = part(number);
        journal.append({&record, 1});
    }
    const auto place = [](int slot) {
        return static_cast<off_t>(kJournalBlock + static_cast<std::size_t>(slot) * kRecordBytes);
    };
    fixture.damage(place(1) + 20);
    auto records = fixture.records();
    REQUIRE(records.size() == 2);
    CHECK(records[1].number == 3);
    fixture.damage(place(2) + 20);
    auto record = part(4);
    fixture.journal().append({&record, 1});
    records = fixture.records();
    REQUIRE(records.size() == 2);
    CHECK(records[1].number == 4);
    CHECK(records[1].sequence > records[0].sequence);
}

TEST_CASE("a damaged header is DATA_LOSS") {
    Fixture fixture;
    fixture.damage(50);
    try {
        read_journal(fixture.volume, fixture.file.get());
        FAIL("it was read");
    } catch (const sdk::Failure& failure) {
        CHECK(failure.code == IMGSRV_DATA_LOSS);
    }
}

TEST_CASE("threads append together, each record once and with a sequence of its own") {
    Fixture fixture;
    auto journal = fixture.journal();
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::uint32_t i = 0; i < 100; ++i) {
                auto record = part(t * 100 + i);
                journal.append({&record, 1});
            }
        });
    }
    for (auto& thread : threads) thread.join();
    const auto records = fixture.records();
    REQUIRE(records.size() == 400);
    std::vector<bool> seen(400);
    for (std::uint32_t i = 0; i < 400; ++i) {
        CHECK(records[i].sequence == i + 1);
        seen[records[i].number] = true;
    }
    CHECK(std::count(seen.begin(), seen.end(), true) == 400);
}

TEST_CASE("etags are 32 hexadecimal digits") {
    PartEtag etag{};
    etag[0] = 0xAB;
    etag[15] = 0x01;
    CHECK(to_hex(etag) == "ab000000000000000000000000000001");
    CHECK(new_part_etag() != new_part_etag());
}
