#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/status.h"
#include "plugin/abi_bridge.h"
#include "plugin/host_table.h"
#include "plugin/registry.h"
#include "ports/call.h"

namespace imgsrv::plugin {

// One created component. Adapters and the handles they open share it, and the last of them calls destroy(): so every
// handle of a component is closed before the component is destroyed.
class Instance {
  public:
    // Checks the options and runs the component's create(). [main]
    static Result<std::shared_ptr<Instance>> create(const PluginRegistry& registry, Kind kind, std::string_view driver,
                                                    std::string_view name, const OptionValues& options,
                                                    const HostContext& context, const ports::Call& call);
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    void* self() const { return self_; }
    const ComponentInfo& info() const { return component_.info; }
    Status health(const ports::Call& call);

    template <class Table>
    const Table& table() const {
        return *static_cast<const Table*>(component_.table->vtable);
    }
    // An extension's table, or null when the component has none or one shorter than `least` bytes.
    template <class Table>
    const Table* extension(const char* id, std::size_t least) const {
        const auto* found =
            component_.table->extension ? static_cast<const Table*>(component_.table->extension(id)) : nullptr;
        return found && found->struct_size >= least ? found : nullptr;
    }

    // One call into the component: f(self, call, error) returns its code.
    template <class F>
    Status run(const ports::Call& call, F f) {
        return run_on(self_, call, f);
    }
    // The same for a handle the component gave out: f(handle, call, error).
    template <class F>
    Status run_on(void* handle, const ports::Call& call, F f) {
        const auto lock = enter();
        const AbiCall abi_call(call);
        AbiError error;
        return error.status(f(handle, abi_call.get(), error.get()));
    }

    // Held around each call into the component: for IMGSRV_COMPONENT_SERIALIZED it keeps other threads out, else it
    // does nothing. Recursive, because a body that is put into a store may be read from the same store.
    std::unique_lock<std::recursive_mutex> enter();

  private:
    Instance(const LoadedComponent& component, const HostContext& context, std::string name);

    const LoadedComponent& component_;
    HostTable host_;
    std::recursive_mutex mutex_;
    void* self_ = nullptr;
};

// A stream a plugin opened, as a ByteReader; closes it once.
class PluginReader final : public ports::ByteReader {
  public:
    // Takes over what the plugin wrote into `raw`, which must be sound().
    PluginReader(std::shared_ptr<Instance> instance, const imgsrv_reader& raw);
    ~PluginReader() override;
    PluginReader(const PluginReader&) = delete;
    PluginReader& operator=(const PluginReader&) = delete;

    std::optional<std::uint64_t> size() const override;
    Result<std::size_t> read(std::span<std::byte> buffer) override;
    Status rewind() override;

  private:
    std::shared_ptr<Instance> instance_;
    imgsrv_reader raw_;
};

// The reader as a ByteReader, or internal when the plugin returned OK without a sound one.
Result<std::unique_ptr<ports::ByteReader>> take_reader(const std::shared_ptr<Instance>& instance,
                                                       const imgsrv_reader& raw);

}  // namespace imgsrv::plugin
