#include <dlfcn.h>
#include <napi.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "audio/ffmpeg_host.h"
#include "bundles.h"
#include "contain/walls.h"
#include "encoder.h"
#include "environment.h"
#include "files.h"
#include "gallery.h"
#include "isolation/contained_decoder.h"
#include "segmentation.h"
#include "support/heap.h"
#include "values.h"

namespace {

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

void return_memory_early(const Napi::CallbackInfo&) { timbre::return_memory_early(); }

void hide_memory(const Napi::CallbackInfo& info) {
  if (const int fault = timbre::hide_memory()) {
    const std::string why = std::generic_category().message(fault);
    throw timbre::to_js(info.Env(), {timbre::ErrorCode::INTERNAL, "the process's memory stays readable (" + why + ")"});
  }
}

/// The folder that this library was loaded from, with a slash at its end; empty where the loader does not tell.
std::string own_folder() {
  Dl_info found{};
  if (::dladdr(reinterpret_cast<const void*>(&return_memory_early), &found) == 0 || !found.dli_fname) return {};
  const std::string file = found.dli_fname;
  return file.substr(0, file.rfind('/') + 1);
}

/// tryDecoder(): starts the process that decodes and ends it again; a promise of the walls that stand around it.
Napi::Value try_decoder(const Napi::CallbackInfo& info) {
  return timbre::Environment::of(info.Env())->run("timbre-decoder", []() -> timbre::Result<timbre::Environment::ToJs> {
    constexpr int kAnyRate = 16000;
    timbre::ContainedDecoder decoder({}, kAnyRate);
    const auto walls = decoder.start();
    if (!walls) return walls.error();
    return timbre::Environment::ToJs([stand = walls.value()](Napi::Env env) {
      auto object = Napi::Object::New(env);
      object.Set("files", stand.files);
      object.Set("calls", stand.calls);
      return object;
    });
  });
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  timbre::look_for_ffmpeg(variable("PATH"), variable("LD_LIBRARY_PATH"));
  timbre::look_for_decoder(own_folder() + "timbre-decoder", variable("LD_LIBRARY_PATH"));
  timbre::Environment::create(env);
  timbre::Encoder::define(env, exports);
  timbre::define_bundles(env, exports);
  timbre::define_gallery(env, exports);
  timbre::define_files(env, exports);
  timbre::define_segmentation(env, exports);
  exports.Set("returnMemoryEarly", Napi::Function::New<return_memory_early>(env, "returnMemoryEarly"));
  exports.Set("tryDecoder", Napi::Function::New<try_decoder>(env, "tryDecoder"));
  exports.Set("hideMemory", Napi::Function::New<hide_memory>(env, "hideMemory"));
  return exports;
}

}  // namespace

NODE_API_MODULE(timbre, initialise)
