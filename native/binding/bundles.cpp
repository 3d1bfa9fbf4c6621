#include "bundles.h"

#include <string>
#include <utility>

#include "audio/decode.h"
#include "bundle/torch_model.h"
#include "bundle/update_manifest.h"
#include "bundle/verify.h"
#include "checkpoint/convert.h"
#include "contain/walls.h"
#include "environment.h"
#include "values.h"

namespace timbre {

namespace {

std::string text_of(Napi::Value value) { return value.As<Napi::String>().Utf8Value(); }

std::string text_of(const Napi::Object& object, const char* key) { return text_of(object.Get(key)); }

Result<Environment::ToJs> manifest_text(Result<bundle::Manifest> manifest) {
  if (!manifest) return std::move(manifest).error();
  return Environment::ToJs(
      [json = std::move(manifest).value().json](Napi::Env env) -> Napi::Value { return Napi::String::New(env, json); });
}

Napi::Value convert(const Napi::CallbackInfo& info) {
  const auto object = info[0].As<Napi::Object>();
  checkpoint::ConvertRequest request;
  request.checkpoint = text_of(object, "checkpoint");
  request.family = text_of(object, "family");
  request.trust = to_code_trust(object);
  request.out = text_of(object, "out");
  request.id = text_of(object, "id");
  request.version = text_of(object, "version");
  request.facts = text_of(object, "facts");
  request.precision = text_of(object, "precision");
  request.storage = text_of(object, "storage");
  request.pauses = text_of(object, "pauses");
  return Environment::of(info.Env())->run("timbre-convert", [request = std::move(request)] {
    return manifest_text(checkpoint::convert_checkpoint(request));
  });
}

Napi::Value read(const Napi::CallbackInfo& info) {
  return Environment::of(info.Env())->run("timbre-manifest", [path = text_of(info[0])] {
    return manifest_text(bundle::read_manifest(path));
  });
}

Napi::Value update(const Napi::CallbackInfo& info) {
  return Environment::of(info.Env())
      ->run("timbre-manifest", [path = text_of(info[0]), facts = text_of(info[1]), out = text_of(info[2])] {
        return manifest_text(bundle::update_manifest(path, facts, out));
      });
}

Napi::Object to_js(Napi::Env env, const bundle::VerifyReport& report) {
  auto cases = Napi::Array::New(env, report.cases.size());
  for (std::uint32_t i = 0; i < cases.Length(); ++i) {
    const bundle::VerifyCase& from = report.cases[i];
    auto to = Napi::Object::New(env);
    to.Set("name", from.name);
    to.Set("seconds", from.seconds);
    to.Set("relativeError", from.relative_error);
    to.Set("oneMinusCosine", from.one_minus_cosine);
    to.Set("passed", from.passed);
    cases.Set(i, to);
  }
  auto object = Napi::Object::New(env);
  object.Set("manifest", report.manifest.json);
  object.Set("model", model_name(report.manifest, bundle::usual_pauses(report.manifest)));
  object.Set("device", report.device);
  object.Set("deviceNote", report.device_note);
  object.Set("precision", report.precision);
  object.Set("networkMs", report.network_ms);
  object.Set("maxRelativeError", report.max_relative_error);
  object.Set("maxOneMinusCosine", report.max_one_minus_cosine);
  object.Set("cases", cases);
  object.Set("passed", report.passed);
  return object;
}

Napi::Value verify(const Napi::CallbackInfo& info) {
  return Environment::of(info.Env())
      ->run("timbre-verify",
            [path = text_of(info[0]), device = text_of(info[1]), precision = text_of(info[2]),
             trust = to_code_trust(info[3].As<Napi::Object>())]() -> Result<Environment::ToJs> {
              auto report = bundle::verify_bundle(path, device, trust, precision);
              Environment::shut_down_at_exit();
              if (!report) return std::move(report).error();
              return Environment::ToJs(
                  [report = std::move(report).value()](Napi::Env env) -> Napi::Value { return to_js(env, report); });
            });
}

Napi::Value runtime(const Napi::CallbackInfo& info) {
  const bundle::TorchRuntime torch = bundle::torch_runtime();
  const AudioLibraries audio = audio_libraries();
  auto torch_object = Napi::Object::New(info.Env());
  torch_object.Set("version", torch.version);
  torch_object.Set("cpuCapability", torch.cpu_capability);
  torch_object.Set("cudaBuilt", torch.cuda_built);
  torch_object.Set("cudaDevices", torch.cuda_devices);
  torch_object.Set("bf16", torch.bf16);
  auto audio_object = Napi::Object::New(info.Env());
  audio_object.Set("sndfile", audio.sndfile);
  audio_object.Set("soxr", audio.soxr);
  audio_object.Set("ffmpeg", audio.ffmpeg);
  auto object = Napi::Object::New(info.Env());
  object.Set("torch", torch_object);
  object.Set("audio", audio_object);
  const Walls walls = possible_walls();
  auto walls_object = Napi::Object::New(info.Env());
  walls_object.Set("files", walls.files);
  walls_object.Set("calls", walls.calls);
  object.Set("walls", walls_object);
  return object;
}

}  // namespace

void define_bundles(Napi::Env env, Napi::Object exports) {
  exports.Set("convertCheckpoint", Napi::Function::New<convert>(env, "convertCheckpoint"));
  exports.Set("readManifest", Napi::Function::New<read>(env, "readManifest"));
  exports.Set("updateManifest", Napi::Function::New<update>(env, "updateManifest"));
  exports.Set("verifyBundle", Napi::Function::New<verify>(env, "verifyBundle"));
  exports.Set("runtimeInfo", Napi::Function::New<runtime>(env, "runtimeInfo"));
}

}  // namespace timbre
