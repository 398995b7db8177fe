#include "listing.h"

#include <fcntl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "key.h"

using namespace imgsrv::fs;

namespace {

struct ListedTree {
    std::string path = "/tmp/imgsrv-listing-XXXXXX";
    Volume volume;

    ListedTree() : volume(open(path), false, false) {}
    ~ListedTree() { std::filesystem::remove_all(path); }
    static Fd open(std::string& path) {
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    void add(const std::string& key) {
        const auto at = path_of(key);
        std::filesystem::create_directories(path + "/" + at.folder);
        std::ofstream(path + "/" + at.folder + "/" + at.name) << "x";
    }
    std::vector<std::string> keys(const std::string& prefix, const std::string& after, std::size_t wanted) {
        Listing listing(volume, volume.root(), prefix, after);
        std::vector<std::string> keys;
        while (auto key = listing.next(wanted)) keys.push_back(*key);
        return keys;
    }
};

}  // namespace

TEST_CASE("a tree is listed as if it were flat, whatever the size of its pages") {
    ListedTree tree;
    std::mt19937 random(11);
    std::set<std::string> all;
    const std::string letters = "ab-.0:Z";
    for (int i = 0; i < 300; ++i) {
        std::string key;
        for (std::uint32_t depth = 0; depth <= random() % 4; ++depth) {
            if (!key.empty()) key += '/';
            for (std::uint32_t n = 0; n <= random() % 3; ++n) key += letters[random() % letters.size()];
            if (!imgsrv::sdk::valid_key_segment(key.substr(key.rfind('/') + 1))) key += 'x';
        }
        all.insert(key);
    }
    for (const auto& key : all) tree.add(key);
    std::filesystem::create_directories(tree.path + "/empty+/emptier+");
    std::filesystem::create_directories(tree.path + "/aa+/0000+");

    for (const std::size_t wanted : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1000}}) {
        CHECK(tree.keys("", "", wanted) == std::vector<std::string>(all.begin(), all.end()));
        for (int i = 0; i < 50; ++i) {
            auto pick = [&] {
                auto key = *std::next(all.begin(), static_cast<long>(random() % all.size()));
                return key.substr(0, random() % (key.size() + 1));
            };
            const auto prefix = pick();
            const auto after = pick();
            std::vector<std::string> expected;
            for (const auto& key : all)
                if (key.starts_with(prefix) && key > after) expected.push_back(key);
            INFO("prefix " << prefix << " after " << after);
            REQUIRE(tree.keys(prefix, after, wanted) == expected);
        }
    }
}

TEST_CASE("what the store did not make is not listed") {
    ListedTree tree;
    tree.add("a/b");
    std::ofstream(tree.path + "/has blank") << "x";
    std::ofstream(tree.path + "/file+") << "x";
    std::filesystem::create_directory(tree.path + "/folder");
    std::filesystem::create_symlink("a+/b", tree.path + "/link");
    std::filesystem::create_directory_symlink("a+", tree.path + "/links+");
    CHECK(tree.keys("", "", 10) == std::vector<std::string>{"a/b"});
}
