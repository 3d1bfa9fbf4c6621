#include <napi.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "audio/ffmpeg_reader.h"
#include "bundles.h"
#include "contain/walls.h"
#include "encoder.h"
#include "environment.h"
#include "files.h"
#include "gallery.h"
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

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  timbre::look_for_ffmpeg(variable("PATH"), variable("LD_LIBRARY_PATH"));
  timbre::Environment::create(env);
  timbre::Encoder::define(env, exports);
  timbre::define_bundles(env, exports);
  timbre::define_gallery(env, exports);
  timbre::define_files(env, exports);
  timbre::define_segmentation(env, exports);
  exports.Set("returnMemoryEarly", Napi::Function::New<return_memory_early>(env, "returnMemoryEarly"));
  exports.Set("hideMemory", Napi::Function::New<hide_memory>(env, "hideMemory"));
  return exports;
}

}  // namespace

NODE_API_MODULE(timbre, initialise)
