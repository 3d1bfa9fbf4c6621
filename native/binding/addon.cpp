#include <napi.h>

#include "bundles.h"
#include "encoder.h"
#include "environment.h"
#include "gallery.h"

namespace {

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  timbre::Environment::create(env);
  timbre::Encoder::define(env, exports);
  timbre::define_bundles(env, exports);
  timbre::define_gallery(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(timbre, initialise)
