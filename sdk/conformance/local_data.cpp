#include "conformance/local_data.h"

#include <imgsrv/local_data.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/database_link.h"
#include "conformance/object_store_client.h"

namespace imgsrv::conformance {
namespace {

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

const imgsrv_ext_local_data& local_data_of(const Instance& instance) {
    const auto extension = instance.component().extension;
    const auto* table =
        extension == nullptr ? nullptr : static_cast<const imgsrv_ext_local_data*>(extension(IMGSRV_EXT_LOCAL_DATA));
    if (table == nullptr) throw NotOffered(IMGSRV_EXT_LOCAL_DATA);
    return *table;
}

const imgsrv_option* find_option(const Instance& instance, const char* key) {
    for (const auto* const* at = instance.component().options; at != nullptr && *at != nullptr; ++at) {
        if (std::strcmp((*at)->key, key) == 0) return *at;
    }
    return nullptr;
}

bool is_file_name(const std::string& name) {
    return !name.empty() && name.size() <= 64 && name != "." && name != ".." &&
           name.find_first_not_of(kNameCharacters) == std::string::npos;
}

std::filesystem::path place_of(const Instance& instance) {
    return instance.settings().get(local_data_of(instance).place_option);
}

Settings with(const Instance& instance, const char* option, const std::string& value) {
    Settings settings = instance.settings();
    settings.erase(option);
    settings.add(option, value);
    return settings;
}

bool is_store(const Instance& instance) {
    return instance.component().kind == IMGSRV_KIND_OBJECT_STORE;
}

// The code that create() gives a further instance; OK when it made one.
imgsrv_code code_of_another(const Instance& instance, const Settings& settings) {
    try {
        const Instance another(instance.component(), settings);
        return IMGSRV_OK;
    } catch (const CreateFailed& refusal) {
        return refusal.code();
    }
}

void the_table_is_sound(Instance& instance) {
    const auto& data = local_data_of(instance);
    IMGSRV_EXPECT(data.struct_size >= sizeof(imgsrv_ext_local_data));
    IMGSRV_EXPECT(data.place_option != nullptr && data.default_name != nullptr);
    const auto* place = find_option(instance, data.place_option);
    IMGSRV_EXPECT(place != nullptr && place->type == IMGSRV_OPT_STRING && place->default_text == nullptr);
    IMGSRV_EXPECT((place->flags & IMGSRV_OPT_SECRET) == 0);
    IMGSRV_EXPECT(is_file_name(data.default_name));
    for (const auto* const* ending = data.companions; ending != nullptr && *ending != nullptr; ++ending) {
        IMGSRV_EXPECT(**ending != '\0' && is_file_name(std::string(data.default_name) + *ending));
    }
    if ((data.flags & IMGSRV_LOCAL_DATA_SNAPSHOT) != 0) {
        IMGSRV_EXPECT(instance.component().kind == IMGSRV_KIND_DATABASE);
    }
    if (data.read_only_option == nullptr) return;
    const auto* read_only = find_option(instance, data.read_only_option);
    IMGSRV_EXPECT(read_only != nullptr && read_only->type == IMGSRV_OPT_BOOL);
    IMGSRV_EXPECT(read_only->default_text != nullptr && std::strcmp(read_only->default_text, "false") == 0);
}

// Work that touches what the component keeps.
void use(Instance& instance) {
    if (is_store(instance)) {
        Store store(instance);
        store.put(store.key("local"), {1, 1000});
        return;
    }
    Link link(instance);
    make_table(link, "local", "n INTEGER");
    link.write([&] { link.change("INSERT INTO conformance_local VALUES (1)"); });
    IMGSRV_EXPECT(link.number("SELECT n FROM conformance_local") == 1);
}

void all_is_at_the_place(Instance& instance) {
    const auto& data = local_data_of(instance);
    const auto place = place_of(instance);
    use(instance);
    const bool folder = (data.flags & IMGSRV_LOCAL_DATA_FOLDER) != 0;
    IMGSRV_EXPECT(folder ? std::filesystem::is_directory(place) : std::filesystem::is_regular_file(place));
    if (folder) return;
    std::vector<std::string> known = {place.filename().string()};
    for (const auto* const* ending = data.companions; ending != nullptr && *ending != nullptr; ++ending) {
        known.push_back(known.front() + *ending);
    }
    for (const auto& entry : std::filesystem::directory_iterator(place.parent_path())) {
        const auto name = entry.path().filename().string();
        IMGSRV_EXPECT(!name.starts_with(known.front()) || std::find(known.begin(), known.end(), name) != known.end());
    }
}

void one_process_holds_others_off(Instance& instance) {
    const bool one = (local_data_of(instance).flags & IMGSRV_LOCAL_DATA_ONE_PROCESS) != 0;
    use(instance);
    IMGSRV_EXPECT(code_of_another(instance, instance.settings()) ==
                  (one ? imgsrv_code{IMGSRV_FAILED_PRECONDITION} : imgsrv_code{IMGSRV_OK}));
    use(instance);
}

void a_reader_works_beside_the_owner(Instance& instance) {
    const auto& data = local_data_of(instance);
    if (data.read_only_option == nullptr) throw NotOffered("an option to read only");
    if (!is_store(instance)) throw NotOffered("a check for databases that are read only");
    Store owner(instance);
    const Pattern before{1, 100'000}, later{2, 5000};
    owner.put(owner.key("before"), before);
    Instance reading(instance.component(), with(instance, data.read_only_option, "true"));
    Store reader(reading);
    owner.put(owner.key("later"), later);
    reader.expect_object(owner.key("before"), {before});
    reader.expect_object(owner.key("later"), {later});
    IMGSRV_EXPECT(reader.list(owner.prefix(), "", 10).objects.size() == 2);
    Body body({3, 10});
    imgsrv_error error{};
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, reader.put(owner.key("new"), body, 0, nullptr, &error));
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, reader.remove(owner.key("before"), &error));
    IMGSRV_EXPECT(owner.exists(owner.key("before")) && !owner.exists(owner.key("new")));
}

void a_reader_needs_something_to_read(Instance& instance) {
    const auto& data = local_data_of(instance);
    if (data.read_only_option == nullptr) throw NotOffered("an option to read only");
    const auto nowhere = place_of(instance).string() + "-absent";
    Settings settings = with(instance, data.read_only_option, "true");
    settings.erase(data.place_option);
    settings.add(data.place_option, nowhere);
    IMGSRV_EXPECT(code_of_another(instance, settings) == IMGSRV_FAILED_PRECONDITION);
    IMGSRV_EXPECT(!std::filesystem::exists(nowhere));
}

void a_snapshot_is_a_database(Instance& instance) {
    const auto& data = local_data_of(instance);
    if ((data.flags & IMGSRV_LOCAL_DATA_SNAPSHOT) == 0) throw NotOffered("IMGSRV_LOCAL_DATA_SNAPSHOT");
    Link link(instance);
    IMGSRV_EXPECT(std::strcmp(link.table().dialect, "sqlite") == 0);
    make_table(link, "snapshot", "n INTEGER");
    link.write([&] { link.change("INSERT INTO conformance_snapshot VALUES (1)"); });
    const auto file = (place_of(instance).parent_path() / "snapshot.db").string();
    Link reader(instance);
    reader.begin(IMGSRV_TX_READ);
    link.script("VACUUM INTO '" + file + "'");
    link.write([&] { link.change("INSERT INTO conformance_snapshot VALUES (2)"); });
    reader.rollback();
    Instance copy(instance.component(), with(instance, data.place_option, file));
    Link copied(copy);
    IMGSRV_EXPECT(copied.number("SELECT COUNT(*) FROM conformance_snapshot") == 1);
    copied.write([&] { copied.change("DELETE FROM conformance_snapshot"); });
    IMGSRV_EXPECT(copied.number("SELECT COUNT(*) FROM conformance_snapshot") == 0);
    IMGSRV_EXPECT(link.number("SELECT COUNT(*) FROM conformance_snapshot") == 2);
}

}  // namespace

void add_local_data_checks(Suite& suite) {
    suite.insert(suite.end(),
                 {{"F1", "what is said of local data fits the options", the_table_is_sound},
                  {"F2", "all data is at the place, or in files that are named", all_is_at_the_place},
                  {"F3", "a place of one process is held against others", one_process_holds_others_off},
                  {"F4", "a reader sees what its owner stores, and changes nothing", a_reader_works_beside_the_owner},
                  {"F4", "a reader makes no place", a_reader_needs_something_to_read},
                  {"F5", "a snapshot is a database of its own", a_snapshot_is_a_database}});
}

}  // namespace imgsrv::conformance
