#include "plugin/local_data.h"

#include <imgsrv/local_data.h>

#include <catch2/catch.hpp>
#include <cstring>

using namespace imgsrv;
using namespace imgsrv::plugin;

namespace {

const char* const kEndings[] = {"-wal", ".lock", nullptr};

imgsrv_ext_local_data sound_file() {
    return {sizeof(imgsrv_ext_local_data),
            IMGSRV_LOCAL_DATA_ONE_PROCESS | IMGSRV_LOCAL_DATA_SNAPSHOT,
            "path",
            "imgsrv.db",
            "read_only",
            kEndings};
}

// What the component of the next question offers; null: nothing.
const imgsrv_ext_local_data* g_offered = nullptr;

Result<std::optional<LocalData>> offer(const imgsrv_ext_local_data* offered, Kind kind = Kind::database) {
    static imgsrv_component table{};
    table.extension = [](const char* id) noexcept -> const void* {
        return std::strcmp(id, IMGSRV_EXT_LOCAL_DATA) == 0 ? g_offered : nullptr;
    };
    g_offered = offered;
    LoadedComponent component{&table, {}, "org.example.local"};
    component.info.kind = kind;
    component.info.name = "local";
    component.info.options = {{"path", OptionType::string, true, false, false, "", ""},
                              {"read_only", OptionType::boolean, false, false, true, "false", ""},
                              {"password", OptionType::string, false, true, false, "", ""}};
    return local_data_of(component);
}

std::string local_refusal(const imgsrv_ext_local_data& offered, Kind kind = Kind::database) {
    const auto answer = offer(&offered, kind);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.status().code() == Code::failed_precondition);
    return std::string(answer.status().message());
}

}  // namespace

TEST_CASE("what a component says of its local data") {
    const auto offered = sound_file();
    const auto answer = offer(&offered);
    REQUIRE(answer.ok());
    const LocalData& data = answer->value();
    CHECK_FALSE(data.folder);
    CHECK(data.one_process);
    CHECK(data.snapshot);
    CHECK(data.place_option == "path");
    CHECK(data.default_name == "imgsrv.db");
    CHECK(data.read_only_option == "read_only");
    CHECK(data.companions == std::vector<std::string>{"-wal", ".lock"});
}

TEST_CASE("a component that says nothing of local data has none") {
    CHECK_FALSE(offer(nullptr)->has_value());
    const auto whole = sound_file();
    auto shorter = whole;
    shorter.struct_size = sizeof shorter - sizeof shorter.companions;
    CHECK_FALSE(offer(&shorter)->has_value());
    static const imgsrv_component kSilent{};  // as plugins of ABI 1.0 may be
    const auto answer = local_data_of({&kSilent, {}, "org.example.silent"});
    REQUIRE(answer.ok());
    CHECK_FALSE(answer->has_value());
}

TEST_CASE("what breaks rule F1 is refused, and named") {
    const auto with = [](auto change) {
        auto offered = sound_file();
        change(offered);
        return offered;
    };
    const auto names = [](const std::string& refusal, const std::string& text) {
        CHECK_THAT(refusal, Catch::Contains(text) && Catch::Contains("rule F1"));
    };
    names(local_refusal(with([](auto& o) { o.place_option = "folder"; })), "'folder' is no option");
    names(local_refusal(with([](auto& o) { o.place_option = "read_only"; })), "'read_only' is no option");
    names(local_refusal(with([](auto& o) { o.place_option = "password"; })), "'password' is no option");
    names(local_refusal(with([](auto& o) { o.place_option = nullptr; })), "place_option '' is no option");
    names(local_refusal(with([](auto& o) { o.read_only_option = "path"; })), "'path' is no option");
    for (const char* name : {"", ".", "..", "../x", "a b", "a/b"})
        names(local_refusal(with([&](auto& o) { o.default_name = name; })), "is no file's name");
    static const char* const kElsewhere[] = {"/../other", nullptr};
    names(local_refusal(with([](auto& o) { o.companions = kElsewhere; })), "'/../other' is no ending");
    names(local_refusal(sound_file(), Kind::object_store), "only a database can have snapshots");
    names(local_refusal(sound_file(), Kind::auth), "only an object store or a database");
}
