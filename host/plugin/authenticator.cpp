#include <imgsrv/auth.h>

#include "plugin/create.h"
#include "plugin/instance.h"

// imgsrv_auth as a ports::Authenticator.
namespace imgsrv::plugin {
namespace {

using Answer = ports::Authenticator::Answer;
using Verdict = ports::Authenticator::Verdict;

ports::Identity to_identity(const imgsrv_principal& p) {
    ports::Identity who;
    who.subject = view(p.subject);
    who.issuer = view(p.issuer);
    who.display = view(p.display);
    if (p.expires_us != 0) who.expires = from_micros(p.expires_us);
    who.claims.reserve(p.n_claims);
    for (std::size_t i = 0; i < p.n_claims; ++i) {
        const auto key = view(p.claims[i].key);
        const auto value = view(p.claims[i].value);
        if (key == IMGSRV_CLAIM_RULE)
            who.rule_ids.emplace_back(value);
        else
            who.claims.emplace_back(key, value);
    }
    return who;
}

class PluginAuthenticator final : public ports::Authenticator {
  public:
    explicit PluginAuthenticator(std::shared_ptr<Instance> instance)
        : instance_(std::move(instance)),
          table_(instance_->table<imgsrv_auth>()),
          issuer_(instance_->extension<imgsrv_ext_auth_token_issuer>(IMGSRV_EXT_AUTH_TOKEN_ISSUER,
                                                                     sizeof(imgsrv_ext_auth_token_issuer))),
          rules_(instance_->extension<imgsrv_ext_auth_rules>(IMGSRV_EXT_AUTH_RULES, sizeof(imgsrv_ext_auth_rules))) {}

    std::string_view name() const override { return instance_->info().name; }

    Result<Answer> authenticate(const ports::Call& call, const ports::Credential& credential) override {
        const imgsrv_credential raw{sizeof raw, 0, str(credential.scheme), str(credential.secret),
                                    str(credential.peer)};
        std::optional<ports::Identity> identity;
        imgsrv_principal_sink sink{
            &identity, [](void* ctx, const imgsrv_principal* p) noexcept {
                sdk::guarded(nullptr, [&] { *static_cast<std::optional<ports::Identity>*>(ctx) = to_identity(*p); });
            }};
        std::int32_t verdict = IMGSRV_AUTH_NOT_MINE;
        IMGSRV_TRY(instance_->run(call, [&](void* self, auto* c, auto* err) {
            return table_.authenticate(self, c, &raw, &verdict, &sink, err);
        }));
        switch (verdict) {
            case IMGSRV_AUTH_NOT_MINE:
                return Answer{Verdict::not_mine, {}};
            case IMGSRV_AUTH_REJECTED:
                return Answer{Verdict::rejected, {}};
            case IMGSRV_AUTH_ACCEPTED:
                if (!identity || identity->subject.empty())
                    return Status(Code::internal, "the authenticator accepted a caller without saying who it is");
                return Answer{Verdict::accepted, std::move(*identity)};
            default:
                return Status(Code::internal, "the authenticator gave the unknown verdict " + std::to_string(verdict));
        }
    }

    Status health(const ports::Call& call) override { return instance_->health(call); }

    bool can_issue() const override { return issuer_ != nullptr; }
    Result<Issued> issue(const ports::Call& call, std::string_view token_id) override {
        if (!issuer_) return Status(Code::unimplemented, "this authenticator issues no tokens");
        StringResult plaintext, verifier;
        IMGSRV_TRY(instance_->run(call, [&](void* self, auto* c, auto* err) {
            return issuer_->issue(self, c, str(token_id), plaintext.sink(), verifier.sink(), err);
        }));
        Issued issued;
        IMGSRV_ASSIGN(issued.plaintext, std::move(plaintext).take("the token"));
        IMGSRV_ASSIGN(issued.verifier, std::move(verifier).take("the token's verifier"));
        return issued;
    }

    bool takes_rules() const override { return rules_ != nullptr; }
    Status check_rule(const ports::Call& call, const ports::Rule& rule) override {
        if (!rules_) return no_rules();
        const LentRule lent(rule);
        return instance_->run(call,
                              [&](void* self, auto* c, auto* err) { return rules_->check(self, c, lent.get(), err); });
    }
    Result<bool> rule_holds(const ports::Call& call, const ports::Rule& rule, std::string_view claims) override {
        if (!rules_) return no_rules();
        const LentRule lent(rule);
        std::int32_t holds = 0;
        IMGSRV_TRY(instance_->run(call, [&](void* self, auto* c, auto* err) {
            return rules_->holds(self, c, lent.get(), str(claims), &holds, err);
        }));
        return holds != 0;
    }

    std::chrono::milliseconds tick_interval() const override {
        return std::chrono::milliseconds(table_.tick_interval_ms);
    }
    Status tick(const ports::Call& call) override {
        if (!table_.tick) return {};
        return instance_->run(call, table_.tick);
    }

  private:
    static Status no_rules() { return {Code::unimplemented, "this authenticator takes no rules"}; }

    std::shared_ptr<Instance> instance_;
    const imgsrv_auth& table_;
    const imgsrv_ext_auth_token_issuer* issuer_;
    const imgsrv_ext_auth_rules* rules_;
};

}  // namespace

Result<std::unique_ptr<ports::Authenticator>> create_authenticator(const PluginRegistry& registry,
                                                                   std::string_view driver, std::string_view instance,
                                                                   const OptionValues& options,
                                                                   const HostContext& context,
                                                                   const ports::Call& call) {
    IMGSRV_ASSIGN(auto made, Instance::create(registry, Kind::auth, driver, instance, options, context, call));
    return std::unique_ptr<ports::Authenticator>(std::make_unique<PluginAuthenticator>(std::move(made)));
}

}  // namespace imgsrv::plugin
