// A plugin with one component of each kind, each doing the minimum that keeps its promises, in memory. It exposes every
// type of the ABI to libabigail, and serves as the well-behaved partner in the tests of the host's loader and adapters.
#include <algorithm>
#include <imgsrv/imgsrv.hpp>
#include <map>
#include <mutex>
#include <vector>

namespace sdk = imgsrv::sdk;

namespace {

class StringSource final : public sdk::ByteSource {
  public:
    explicit StringSource(std::string bytes) : bytes_(std::move(bytes)) {}
    std::optional<std::uint64_t> size() const override { return bytes_.size(); }
    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t n = std::min(buffer.size(), bytes_.size() - at_);
        std::copy_n(reinterpret_cast<const std::byte*>(bytes_.data()) + at_, n, buffer.data());
        at_ += n;
        return n;
    }
    bool can_rewind() const override { return true; }
    void rewind() override { at_ = 0; }

  private:
    std::string bytes_;
    std::size_t at_ = 0;
};

std::string drain(sdk::Reader& reader) {
    std::string all;
    std::byte block[4096];
    while (const std::size_t n = reader.read(block)) all.append(reinterpret_cast<const char*>(block), n);
    return all;
}

class MemoryStore {
  public:
    explicit MemoryStore(const sdk::Setup& setup) : log_(setup.host.log()) {
        if (setup.config.text("prefix") == "refuse")
            throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "the prefix 'refuse' is refused").with_native("EREFUSED");
        log_.debug(setup.call, "memory store created", {{"prefix", setup.config.text("prefix")}});
    }

    void health(const sdk::Call& call) { call.throw_if_cancelled(); }
    std::uint64_t caps() noexcept { return IMGSRV_STORE_CAP_COPY_IF_ABSENT | IMGSRV_STORE_CAP_PUT_IF_ABSENT; }

    sdk::ObjectInfo stat(const sdk::Call&, std::string_view key) {
        const std::lock_guard lock(mutex_);
        return info(key, bytes(key));
    }
    sdk::OpenedObject open(const sdk::Call&, std::string_view key, std::string_view if_etag, std::uint64_t offset,
                           std::optional<std::uint64_t> length) {
        const std::lock_guard lock(mutex_);
        const std::string& all = bytes(key);
        if (!if_etag.empty() && if_etag != etag(all))
            throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, "the object has another etag");
        if (offset > all.size()) throw sdk::Failure(IMGSRV_OUT_OF_RANGE, "the offset is beyond the end");
        return {info(key, all), std::make_unique<StringSource>(all.substr(offset, length.value_or(all.size())))};
    }
    sdk::ObjectInfo put(const sdk::Call&, std::string_view key, sdk::Reader& body, bool if_absent) {
        return store(key, drain(body), if_absent);
    }
    sdk::ObjectInfo copy(const sdk::Call& call, std::string_view src, std::string_view if_src_etag,
                         std::string_view dst, bool if_absent) {
        auto opened = open(call, src, if_src_etag, 0, std::nullopt);
        std::string all(opened.info.size, '\0');
        opened.body->read(std::as_writable_bytes(std::span(all)));
        return store(dst, std::move(all), if_absent);
    }
    void remove(const sdk::Call&, std::string_view key) {
        const std::lock_guard lock(mutex_);
        objects_.erase(std::string(key));
    }
    bool list(const sdk::Call&, std::string_view prefix, std::string_view start_after, std::uint32_t max,
              sdk::ObjectSink& out) {
        const std::lock_guard lock(mutex_);
        for (auto at = objects_.upper_bound(std::string(start_after)); at != objects_.end(); ++at) {
            if (!at->first.starts_with(prefix)) continue;
            if (max-- == 0) return true;
            out.emit(info(at->first, at->second));
        }
        return false;
    }

    std::string mp_create(const sdk::Call&, std::string_view, std::uint64_t) {
        const std::lock_guard lock(mutex_);
        return "u" + std::to_string(++last_upload_);
    }
    std::string mp_put_part(const sdk::Call&, std::string_view key, std::string_view upload_id, std::uint32_t number,
                            sdk::Reader& body) {
        std::string all = drain(body);
        const std::lock_guard lock(mutex_);
        auto& slot = parts_[{std::string(key), std::string(upload_id)}][number];
        slot = std::move(all);
        return etag(slot);
    }
    sdk::ObjectInfo mp_complete(const sdk::Call&, std::string_view key, std::string_view upload_id,
                                std::span<const imgsrv_part> parts) {
        std::string all;
        {
            const std::lock_guard lock(mutex_);
            for (const imgsrv_part& part : parts) all += part_bytes(key, upload_id, part);
            parts_.erase({std::string(key), std::string(upload_id)});
        }
        return store(key, std::move(all), false);
    }
    void mp_abort(const sdk::Call&, std::string_view key, std::string_view upload_id) {
        const std::lock_guard lock(mutex_);
        parts_.erase({std::string(key), std::string(upload_id)});
    }
    void mp_list(const sdk::Call&, std::string_view prefix, sdk::UploadSink& out) {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, parts] : parts_)
            if (id.first.starts_with(prefix)) out.emit(id.first, id.second, 1);
    }
    std::unique_ptr<sdk::ByteSource> open_part(const sdk::Call&, std::string_view key, std::string_view upload_id,
                                               const imgsrv_part& part, std::uint64_t offset) {
        const std::lock_guard lock(mutex_);
        return std::make_unique<StringSource>(part_bytes(key, upload_id, part).substr(offset));
    }
    int open_fd(const sdk::Call&, std::string_view) {
        throw sdk::Failure(IMGSRV_UNIMPLEMENTED, "memory has no descriptor");
    }

  private:
    static std::string etag(const std::string& bytes) { return std::to_string(std::hash<std::string>()(bytes)); }
    static sdk::ObjectInfo info(std::string_view key, const std::string& bytes) {
        return {std::string(key), etag(bytes), bytes.size(), 1};
    }
    const std::string& bytes(std::string_view key) const {
        if (key == "refused")
            throw sdk::Failure(IMGSRV_PERMISSION_DENIED, "store.internal refuses the key").with_native("AccessDenied");
        const auto found = objects_.find(std::string(key));
        if (found == objects_.end()) throw sdk::Failure(IMGSRV_NOT_FOUND, "no such object").with_native("NoSuchKey");
        return found->second;
    }
    const std::string& part_bytes(std::string_view key, std::string_view upload_id, const imgsrv_part& part) {
        const auto& stored = parts_[{std::string(key), std::string(upload_id)}];
        const auto found = stored.find(part.number);
        if (found == stored.end() || etag(found->second) != sdk::view(part.etag))
            throw sdk::Failure(IMGSRV_NOT_FOUND, "no such part");
        return found->second;
    }
    sdk::ObjectInfo store(std::string_view key, std::string bytes, bool if_absent) {
        const std::lock_guard lock(mutex_);
        const auto [at, fresh] = objects_.try_emplace(std::string(key));
        if (!fresh && if_absent) throw sdk::Failure(IMGSRV_ALREADY_EXISTS, "the object exists");
        at->second = std::move(bytes);
        return info(key, at->second);
    }

    sdk::Log log_;
    std::mutex mutex_;
    std::map<std::string, std::string> objects_;
    std::map<std::pair<std::string, std::string>, std::map<std::uint32_t, std::string>> parts_;
    std::uint64_t last_upload_ = 0;
};

// Returns its own parameters as one row.
class EchoRows {
  public:
    explicit EchoRows(std::span<const imgsrv_value> values) {
        for (imgsrv_value v : values) {
            const bool borrowed = v.type == IMGSRV_VAL_TEXT || v.type == IMGSRV_VAL_BLOB;
            texts_.push_back(std::make_unique<std::string>(borrowed ? sdk::view(v.u.s) : std::string_view()));
            if (borrowed) v.u.s = sdk::str(*texts_.back());
            values_.push_back(v);
        }
    }
    bool next(const sdk::Call&) { return !std::exchange(done_, true); }
    std::size_t width() noexcept { return values_.size(); }
    imgsrv_value get(std::size_t column) { return values_.at(column); }

  private:
    bool done_ = false;
    std::vector<imgsrv_value> values_;
    std::vector<std::unique_ptr<std::string>> texts_;
};

class EchoConnection {
  public:
    void reset(const sdk::Call&) {}
    void begin(const sdk::Call&, std::int32_t) {}
    void commit(const sdk::Call&) {
        throw sdk::Failure(IMGSRV_UNAVAILABLE, "the link died while it committed")
            .with_outcome_unknown()
            .with_retry_after_ms(250)
            .with_db_class(IMGSRV_DB_CONNECTION)
            .with_native("08006");
    }
    void rollback(const sdk::Call&) {}
    void script(const sdk::Call&, std::string_view) {}
    sdk::QueryResult<EchoRows> query(const sdk::Call&, std::string_view sql, std::span<const imgsrv_value> params) {
        if (sql == "unique")
            throw sdk::Failure(IMGSRV_ALREADY_EXISTS, "a row with this key exists")
                .with_db_class(IMGSRV_DB_UNIQUE)
                .with_native("23505");
        if (params.empty()) return {nullptr, 3};
        return {std::make_unique<EchoRows>(params), 0};
    }
    void migration_lock(const sdk::Call&) {}
    void migration_unlock(const sdk::Call&) {}
    void interrupt() noexcept {}
};

class EchoDatabase {
  public:
    static constexpr const char* kDialect = "sqlite";
    static constexpr std::uint64_t kFeatures = IMGSRV_DB_FEATURE_SKIP_LOCKED;
    explicit EchoDatabase(const sdk::Setup&) {}
    std::unique_ptr<EchoConnection> connect(const sdk::Call&) { return std::make_unique<EchoConnection>(); }
};

// Accepts "good", asks the host's token store about "stored-<id>" and its rule store about "ruled", and leaves the rest
// to others. A condition is a word that must occur in the claims.
class WordAuth {
  public:
    static constexpr std::uint32_t kTickIntervalMs = 1000;
    explicit WordAuth(const sdk::Setup& setup) : host_(setup.host) {}

    sdk::AuthAnswer authenticate(const sdk::Call& call, const sdk::Credential& credential) {
        if (credential.secret == "good")
            return {IMGSRV_AUTH_ACCEPTED,
                    {"ann", "https://issuer.example", "Ann", 5'000'000, {{"scope", "a"}, {"scope", "b"}}}};
        if (credential.secret.starts_with("stored-")) {
            const sdk::TokenStore tokens(host_);
            const auto found = tokens.find(call, credential.secret.substr(7));
            if (!found) return {IMGSRV_AUTH_REJECTED, {}};
            tokens.used(call, found->token_id);
            return {IMGSRV_AUTH_ACCEPTED, {found->principal_id, "", found->display, found->expires_us, {}}};
        }
        if (credential.secret == "ruled") {
            const sdk::RuleStore store(host_);
            const auto list = store.list(call);
            sdk::AuthAnswer answer{IMGSRV_AUTH_ACCEPTED, {"bob", "https://issuer.example", "Bob", 0, {}}};
            answer.principal.claims.emplace_back(
                "seen", std::to_string(store.generation(call)) + "/" + std::to_string(list.generation));
            for (const sdk::Rule& rule : list.rules) {
                answer.principal.claims.emplace_back(IMGSRV_CLAIM_RULE, rule.id);
                answer.principal.claims.emplace_back(rule.claims.at(1), "\"" + rule.issuer + rule.audience + "\"");
            }
            return answer;
        }
        if (credential.secret == "broken") throw sdk::Failure(IMGSRV_UNAVAILABLE, "cannot tell").with_retryable();
        return {};
    }
    void tick(const sdk::Call&) {}
    void check_rule(const sdk::Call&, const sdk::Rule& rule) {
        if (rule.condition.empty()) throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "condition: it is empty");
    }
    bool rule_holds(const sdk::Call&, const sdk::Rule& rule, std::string_view claims) {
        return claims.find(rule.condition) != std::string_view::npos;
    }
    sdk::IssuedToken issue(const sdk::Call&, std::string_view token_id) {
        return {"plain-" + std::string(token_id), "verifier-" + std::string(token_id)};
    }

  private:
    sdk::Host host_;
};

// One row for each artifact, with the first bytes of its blob; one document with the rows' keys.
class ListingStep {
  public:
    static constexpr std::uint32_t kRowSchema = 7;
    static constexpr sdk::DocumentList kDocuments{sdk::document("/reference/rows.txt", "text/plain")};
    explicit ListingStep(const sdk::Setup&) {}

    void run(const sdk::Call& call, sdk::StepRun& run) {
        std::uint64_t done = 0;
        for (const imgsrv_artifact& artifact : run.artifacts()) {
            const std::string_view digest = sdk::view(artifact.digest);
            if (!run.blob_size(call, digest))
                throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, "blob " + std::string(digest) + " is not here");
            auto reader = run.open_blob(call, digest, 0, 4);
            std::byte head[8];
            const std::size_t n = reader.read_full(head);
            run.put_row(sdk::view(artifact.id), "\"" + std::string(reinterpret_cast<const char*>(head), n) + "\"");
            ++done;
            run.progress(done, done);
        }
        run.request_published();
    }

    void render(const sdk::Call&, sdk::RenderView& catalogue, std::string_view, sdk::ByteSink& out) {
        while (const imgsrv_row* row = catalogue.next_row()) {
            out.write(sdk::view(row->key));
            const std::string image(sdk::view(row->image));
            const std::string version(sdk::view(row->version));
            for (std::size_t i = 0; const auto alias = catalogue.alias_at(image, version, i); ++i) {
                out.write(" ");
                out.write(*alias);
            }
            out.write("\n");
        }
    }
};

constexpr sdk::OptionList kStoreOptions{
    sdk::text_option("prefix", "", "Put before every key"),
    sdk::duration_option("timeout", "5s", "How long one operation may take"),
    sdk::size_option("block", "64KiB", "Bytes read at once"),
    sdk::secret_option("password", "Opens the store"),
};

}  // namespace

IMGSRV_PLUGIN("org.imgsrv.reference", "1.0.0", "imgsrv", "Apache-2.0",
              sdk::object_store<MemoryStore>("memory", kStoreOptions),
              sdk::database<EchoDatabase, EchoConnection, EchoRows>("echo", sdk::kNoOptions,
                                                                    IMGSRV_COMPONENT_SERIALIZED),
              sdk::authenticator<WordAuth>("word", sdk::kNoOptions),
              sdk::publish_step<ListingStep>("listing", sdk::kNoOptions, IMGSRV_COMPONENT_FINALIZER));
