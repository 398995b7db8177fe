#include <chrono>

#include "conformance/database_parts.h"

namespace imgsrv::conformance {
namespace {

using std::chrono::milliseconds;

const imgsrv_ext_database_notifications& notifications(const Instance& instance) {
    const auto lookup = instance.component().extension;
    const void* table = lookup != nullptr ? lookup(IMGSRV_EXT_DATABASE_NOTIFICATIONS) : nullptr;
    if (table == nullptr) throw NotOffered("no extension " IMGSRV_EXT_DATABASE_NOTIFICATIONS);
    return *static_cast<const imgsrv_ext_database_notifications*>(table);
}

// One connection that hears.
class Ear {
  public:
    explicit Ear(Instance& instance) : table_(notifications(instance)), link_(instance) {}

    imgsrv_code listen(std::string_view channel) {
        imgsrv_error error{};
        return table_.listen(link_.raw(), link_.call(), {channel.data(), channel.size()}, &error);
    }
    // The channel, or "" after DEADLINE.
    std::string next(milliseconds patience) {
        Call call;
        call.limit(patience);
        imgsrv_str channel{};
        imgsrv_error error{};
        const auto code = table_.next_notification(link_.raw(), call.get(), &channel, &error);
        if (code == IMGSRV_DEADLINE) return "";
        IMGSRV_EXPECT(code == IMGSRV_OK);
        return {channel.ptr, channel.len};
    }
    Link& link() { return link_; }

  private:
    const imgsrv_ext_database_notifications& table_;
    Link link_;
};

void send(Link& link, const std::string& channel) {
    link.read("SELECT pg_notify($1, '')", {text(channel)});
}

void committed_notifications_arrive(Instance& instance) {
    Ear ear(instance);
    Link speaker(instance);
    IMGSRV_EXPECT(ear.listen("conformance_a") == IMGSRV_OK);
    IMGSRV_EXPECT(ear.listen("conformance_a") == IMGSRV_OK);
    IMGSRV_EXPECT(ear.next(milliseconds(50)).empty());

    speaker.begin(IMGSRV_TX_WRITE);
    send(speaker, "conformance_a");
    send(speaker, "conformance_other");
    IMGSRV_EXPECT(ear.next(milliseconds(100)).empty());
    speaker.commit();
    IMGSRV_EXPECT(ear.next(milliseconds(5000)) == "conformance_a");

    speaker.begin(IMGSRV_TX_WRITE);
    send(speaker, "conformance_a");
    speaker.rollback();
    IMGSRV_EXPECT(ear.next(milliseconds(100)).empty());

    // What comes while the connection does something else waits.
    speaker.begin(IMGSRV_TX_WRITE);
    send(speaker, "conformance_a");
    speaker.commit();
    IMGSRV_EXPECT(ear.link().number("SELECT 1") == 1);
    IMGSRV_EXPECT(ear.next(milliseconds(5000)) == "conformance_a");
}

void listening_ends_with_reset(Instance& instance) {
    Ear ear(instance);
    Link speaker(instance);
    IMGSRV_EXPECT(ear.listen("conformance_a") == IMGSRV_OK);
    imgsrv_error error{};
    IMGSRV_EXPECT(ear.link().table().reset(ear.link().raw(), ear.link().call(), &error) == IMGSRV_OK);
    IMGSRV_EXPECT(ear.listen("conformance_b") == IMGSRV_OK);
    speaker.begin(IMGSRV_TX_WRITE);
    send(speaker, "conformance_a");
    speaker.commit();
    IMGSRV_EXPECT(ear.next(milliseconds(100)).empty());
}

void channels_are_names(Instance& instance) {
    Ear ear(instance);
    for (const std::string& bad :
         {std::string(), std::string("a\"; DROP TABLE t; --"), std::string("a b"), std::string(64, 'a')}) {
        IMGSRV_EXPECT(ear.listen(bad) == IMGSRV_INVALID_ARGUMENT);
    }
    IMGSRV_EXPECT(ear.listen(std::string(63, 'a')) == IMGSRV_OK);
    ear.link().begin(IMGSRV_TX_READ);
    IMGSRV_EXPECT(ear.listen("conformance_a") == IMGSRV_FAILED_PRECONDITION);
    ear.link().rollback();
}

}  // namespace

void add_notification_checks(Suite& suite) {
    suite.insert(suite.end(),
                 {{"D23", "what is committed reaches who listens", committed_notifications_arrive},
                  {"D24", "reset ends listening", listening_ends_with_reset},
                  {"D24", "a channel is a name, and listening no part of a transaction", channels_are_names}});
}

}  // namespace imgsrv::conformance
