#include "segmentation.h"

#include <memory>
#include <string>
#include <utility>

#include "environment.h"
#include "values.h"

namespace timbre {

namespace {

/// Tells handles of this kind from others.
constexpr napi_type_tag kTag = {0x54696d6272655365ULL, 0x676d656e74617469ULL};

Napi::Value load(const Napi::CallbackInfo& info) {
  const auto object = info[0].As<Napi::Object>();
  return Environment::of(info.Env())
      ->run("timbre-load",
            [path = object.Get("path").As<Napi::String>().Utf8Value(),
             trust = to_code_trust(object)]() -> Result<Environment::ToJs> {
              auto loaded = bundle::load_segmentation_model(path, trust);
              Environment::shut_down_at_exit();
              if (!loaded) return std::move(loaded).error();
              const auto model = std::make_shared<bundle::SegmentationModel>(std::move(loaded).value());
              return Environment::ToJs([model](Napi::Env env) -> Napi::Value {
                auto owned = std::make_unique<bundle::SegmentationModel>(std::move(*model));
                const auto handle = Napi::External<bundle::SegmentationModel>::New(
                    env, owned.get(), [](Napi::Env, bundle::SegmentationModel* dropped) { delete dropped; });
                static_cast<void>(owned.release());
                handle.TypeTag(&kTag);
                return handle;
              });
            });
}

}  // namespace

void define_segmentation(Napi::Env env, Napi::Object exports) {
  exports.Set("loadSegmentation", Napi::Function::New<load>(env, "loadSegmentation"));
}

const bundle::SegmentationModel& segmentation_of(Napi::Value handle) {
  const auto external = handle.As<Napi::External<bundle::SegmentationModel>>();
  if (!handle.IsExternal() || !external.CheckTypeTag(&kTag)) {
    throw Napi::TypeError::New(handle.Env(), "loadSegmentation() makes segmentation networks");
  }
  return *external.Data();
}

}  // namespace timbre
