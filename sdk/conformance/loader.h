#pragma once

#include <imgsrv/abi.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "conformance/settings.h"

namespace imgsrv::conformance {

// The plugin could not be loaded, or its create() refused; what() is a sentence for people.
class LoadError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// A component's create() refused; code() says why.
class CreateFailed : public LoadError {
  public:
    CreateFailed(imgsrv_code code, const imgsrv_error& error);
    imgsrv_code code() const { return code_; }

  private:
    imgsrv_code code_;
};

// One plugin file, opened by the ABI alone: dlopen(RTLD_NOW | RTLD_LOCAL), the data symbol imgsrv_plugin_v1, magic and
// major checked before anything else is read. It is never closed (plugins are not unloaded).
class Plugin {
  public:
    // Throws LoadError.
    explicit Plugin(const std::string& file);

    const imgsrv_plugin& table() const { return *table_; }
    // The component of that name; with an empty name the first one. Throws LoadError when there is none.
    const imgsrv_component& component(std::string_view name) const;

  private:
    const imgsrv_plugin* table_ = nullptr;
};

// What the components of this process logged of late, a line each. [any]
std::string logged_text();

// One instance of a component: create() when built, destroy() at the end. It plays the host: options come from the
// settings, with the defaults the component declares; log lines go to stderr when IMGSRV_CONFORMANCE_LOG is set; its
// token store is token_book().
class Instance {
  public:
    // Throws LoadError with the plugin's own message: an undeclared or missing option, or what create() said.
    Instance(const imgsrv_component& component, Settings settings);
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    const imgsrv_component& component() const { return component_; }
    void* self() const { return self_; }
    const Settings& settings() const { return settings_; }
    // destroy() and create() again with the same options: what a restart of the host does.
    void restart();

  private:
    void create();
    void destroy();

    const imgsrv_component& component_;
    Settings settings_;
    void* self_ = nullptr;
};

}  // namespace imgsrv::conformance
