#include "files.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "audio/open_recording.h"
#include "environment.h"
#include "support/open_beneath.h"
#include "values.h"

namespace timbre {

namespace {

std::vector<std::string> to_strings(const Napi::Array& array) {
  std::vector<std::string> strings;
  strings.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    strings.push_back(array.Get(i).As<Napi::String>().Utf8Value());
  }
  return strings;
}

Napi::Value open_beneath_to_js(const Napi::CallbackInfo& info) {
  return Environment::of(info.Env())
      ->run("timbre-open",
            [path = info[0].As<Napi::String>().Utf8Value(),
             folders = OpenFolders{to_strings(info[1].As<Napi::Array>()),
                                   to_strings(info[2].As<Napi::Array>())}]() -> Result<Environment::ToJs> {
              std::string why;
              auto opened = open_beneath(path, folders, &why);
              if (!opened) {
                return Environment::ToJs([error = std::move(opened).error(), why = std::move(why)](Napi::Env env) {
                  auto object = Napi::Object::New(env);
                  object.Set("code", std::string(name(error.code)));
                  object.Set("message", error.message);
                  object.Set("why", why);
                  return object;
                });
              }
              // Closed with the closure where the environment ends before.
              auto file = std::make_shared<Descriptor>(std::move(opened).value());
              return Environment::ToJs([file = std::move(file)](Napi::Env env) {
                auto object = Napi::Object::New(env);
                object.Set("descriptor", file->release());
                return object;
              });
            });
}

/// lookAtBeginning(bytes, isWhole): a promise that rejects where no recording begins so.
Napi::Value look_at_beginning_to_js(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Uint8Array>();
  return Environment::of(info.Env())
      ->run("timbre-look",
            [bytes = std::vector<std::uint8_t>(given.Data(), given.Data() + given.ByteLength()),
             whole = info[1].As<Napi::Boolean>().Value()]() -> Result<Environment::ToJs> {
              if (auto refused = refused_by_beginning(bytes, whole)) return std::move(*refused);
              return Environment::ToJs([](Napi::Env env) { return env.Undefined(); });
            });
}

}  // namespace

void define_files(Napi::Env env, Napi::Object exports) {
  exports.Set("openBeneath", Napi::Function::New<&open_beneath_to_js>(env, "openBeneath"));
  exports.Set("lookAtBeginning", Napi::Function::New<&look_at_beginning_to_js>(env, "lookAtBeginning"));
}

}  // namespace timbre
