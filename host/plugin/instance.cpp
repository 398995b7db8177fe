#include "plugin/instance.h"

namespace imgsrv::plugin {

Instance::Instance(const LoadedComponent& component, const HostContext& context, std::string name)
    : component_(component), host_(context, component.info.name, std::move(name)) {}

Result<std::shared_ptr<Instance>> Instance::create(const PluginRegistry& registry, Kind kind, std::string_view driver,
                                                   std::string_view name, const OptionValues& options,
                                                   const HostContext& context, const ports::Call& call) {
    const std::string who = std::string(to_string(kind)) + " '" + std::string(driver) + "'";
    IMGSRV_ASSIGN(const LoadedComponent* component, registry.find(kind, driver));
    auto checked = check_options(component->info.options, options);
    if (!checked.ok()) return std::move(checked).status().with_context(who);

    std::shared_ptr<Instance> instance(new Instance(*component, context, std::string(name)));
    const imgsrv_config config = checked->table();
    const AbiCall abi_call(call);
    AbiError error;
    void* self = nullptr;
    // Called without noexcept in its type, so that a plugin which throws here in spite of the headers is refused. Later
    // such an exception ends the process, because what it left half done is unknown.
    imgsrv_code (*const create)(const imgsrv_host*, const char*, const imgsrv_config*, const imgsrv_call*, void**,
                                imgsrv_error*) = component->table->create;
    try {
        const std::string instance_name(name);
        const imgsrv_code code =
            create(instance->host_.get(), instance_name.c_str(), &config, abi_call.get(), &self, error.get());
        if (code != IMGSRV_OK) return error.status(code).with_context(who);
    } catch (...) {
        return Status(Code::internal, who + ": create() threw an exception, which no function of a plugin may do");
    }
    if (!self) return Status(Code::internal, who + ": create() returned OK but no instance");
    instance->self_ = self;
    return instance;
}

Instance::~Instance() {
    if (self_) component_.table->destroy(self_);
}

Status Instance::health(const ports::Call& call) {
    if (!component_.table->health) return {};
    return run(call, [&](void* self, auto* c, auto* err) { return component_.table->health(self, c, err); });
}

std::unique_lock<std::recursive_mutex> Instance::enter() {
    if (!component_.info.serialized) return {};
    return std::unique_lock(mutex_);
}

PluginReader::PluginReader(std::shared_ptr<Instance> instance, const imgsrv_reader& raw)
    : instance_(std::move(instance)), raw_(raw) {}

PluginReader::~PluginReader() {
    const auto lock = instance_->enter();
    raw_.close(raw_.ctx);
}

std::optional<std::uint64_t> PluginReader::size() const {
    if (raw_.size < 0) return std::nullopt;
    return static_cast<std::uint64_t>(raw_.size);
}

Result<std::size_t> PluginReader::read(std::span<std::byte> buffer) {
    const auto lock = instance_->enter();
    AbiError error;
    const std::int64_t n = raw_.read(raw_.ctx, buffer.data(), buffer.size(), error.get());
    if (n < 0) return error.status(code_of(n));
    if (static_cast<std::uint64_t>(n) > buffer.size())
        return Status(Code::internal, "the plugin claims to have read more bytes than it was asked for");
    return static_cast<std::size_t>(n);
}

Status PluginReader::rewind() {
    if (!raw_.rewind) return ByteReader::rewind();
    const auto lock = instance_->enter();
    AbiError error;
    return error.status(raw_.rewind(raw_.ctx, error.get()));
}

Result<std::unique_ptr<ports::ByteReader>> take_reader(const std::shared_ptr<Instance>& instance,
                                                       const imgsrv_reader& raw) {
    if (!sound(raw)) return Status(Code::internal, "the plugin returned OK without a usable stream");
    return std::unique_ptr<ports::ByteReader>(std::make_unique<PluginReader>(instance, raw));
}

}  // namespace imgsrv::plugin
