#pragma once

#include "ports/object_store.h"

namespace imgsrv::test {

// A store for tests to derive from: well, and refuses everything.
class RefusingStore : public ports::ObjectStore {
  public:
    Result<ports::ObjectInfo> stat(const ports::Call&, std::string_view) override { return refuse(); }
    Result<ports::OpenedObject> open(const ports::Call&, std::string_view, std::string_view, std::uint64_t,
                                     std::optional<std::uint64_t>) override {
        return refuse();
    }
    Result<ports::ObjectInfo> put(const ports::Call&, std::string_view, ports::ByteReader&, ports::Overwrite) override {
        return refuse();
    }
    Result<ports::ObjectInfo> copy(const ports::Call&, std::string_view, std::string_view, ports::Overwrite) override {
        return refuse();
    }
    Status remove(const ports::Call&, std::string_view) override { return refuse(); }
    Result<ports::ObjectPage> list(const ports::Call&, std::string_view, std::string_view, std::uint32_t) override {
        return refuse();
    }
    Result<std::string> multipart_create(const ports::Call&, std::string_view, std::uint64_t) override {
        return refuse();
    }
    Result<std::string> put_part(const ports::Call&, std::string_view, std::string_view, std::uint32_t,
                                 ports::ByteReader&) override {
        return refuse();
    }
    Result<ports::ObjectInfo> multipart_complete(const ports::Call&, std::string_view, std::string_view,
                                                 std::span<const ports::StoredPart>) override {
        return refuse();
    }
    Status multipart_abort(const ports::Call&, std::string_view, std::string_view) override { return refuse(); }
    Result<std::vector<ports::MultipartUpload>> multipart_list(const ports::Call&, std::string_view) override {
        return refuse();
    }
    bool can_open_part() const override { return false; }
    Result<std::unique_ptr<ports::ByteReader>> open_part(const ports::Call&, std::string_view, std::string_view,
                                                         const ports::StoredPart&, std::uint64_t) override {
        return refuse();
    }
    std::uint64_t least_part() const override { return 0; }
    bool unique_part_etags() const override { return false; }
    bool can_open_fd() const override { return false; }
    Result<UniqueFd> open_fd(const ports::Call&, std::string_view) override { return refuse(); }
    Status health(const ports::Call&) override { return {}; }

  private:
    static Status refuse() { return {Code::unimplemented, "not of this store"}; }
};

}  // namespace imgsrv::test
