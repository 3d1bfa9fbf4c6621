#include "gallery.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "environment.h"
#include "scoring/gallery.h"
#include "scoring/search_pool.h"
#include "values.h"

namespace timbre {

namespace {

using Matches = Gallery::Matches;

Napi::Value to_js_matches(Napi::Env env, const Matches& matches) {
  auto keys = Napi::Uint32Array::New(env, matches.size());
  auto cosines = Napi::Float32Array::New(env, matches.size());
  auto errors = Napi::Float32Array::New(env, matches.size());
  for (std::size_t i = 0; i < matches.size(); ++i) {
    keys[i] = matches[i].key;
    cosines[i] = matches[i].cosine;
    errors[i] = matches[i].error;
  }
  auto object = Napi::Object::New(env);
  object.Set("keys", keys);
  object.Set("cosines", cosines);
  object.Set("errors", errors);
  return object;
}

/// What a search has found, on its way to JS.
class Found final : public Environment::Delivery {
 public:
  explicit Found(Napi::Env env) : environment(*Environment::of(env)), deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void arrive(Napi::Env env) override {
    environment.expect_no_more();
    if (matches) {
      deferred_.Resolve(to_js_matches(env, matches.value()));
    } else {
      deferred_.Reject(to_js(env, matches.error()).Value());
    }
  }

  Environment& environment;
  Result<Matches> matches = Matches();

 private:
  const Napi::Promise::Deferred deferred_;
};

std::span<const float> floats(Napi::Value value) {
  const auto array = value.As<Napi::Float32Array>();
  return {array.Data(), array.ElementLength()};
}

Gallery::Key key_of(Napi::Value value) { return value.As<Napi::Number>().Uint32Value(); }

/// The JS object of one gallery. Searches hold the gallery themselves: the object may be collected meanwhile.
class GalleryObject : public Napi::ObjectWrap<GalleryObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Gallery",
                       {InstanceMethod<&GalleryObject::put>("put"), InstanceMethod<&GalleryObject::remove>("remove"),
                        InstanceMethod<&GalleryObject::get>("get"), InstanceMethod<&GalleryObject::size>("size"),
                        InstanceMethod<&GalleryObject::top>("top")});
  }

  explicit GalleryObject(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<GalleryObject>(info),
        gallery_(std::make_shared<Gallery>(static_cast<std::size_t>(key_of(info[0])),
                                           info[1].ToBoolean() ? Gallery::Rows::kBytes : Gallery::Rows::kFloats)) {}

 private:
  Napi::Value put(const Napi::CallbackInfo& info) {
    const auto done = gallery_->put(key_of(info[0]), floats(info[1]));
    if (!done) throw to_js(info.Env(), done.error());
    return info.Env().Undefined();
  }

  Napi::Value remove(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), gallery_->remove(key_of(info[0])));
  }

  Napi::Value get(const Napi::CallbackInfo& info) {
    const auto vector = gallery_->get(key_of(info[0]));
    if (!vector) return info.Env().Null();
    auto array = Napi::Float32Array::New(info.Env(), vector->size());
    std::copy(vector->begin(), vector->end(), array.Data());
    return array;
  }

  Napi::Value size(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(gallery_->size()));
  }

  Napi::Value top(const Napi::CallbackInfo& info) {
    const auto query = floats(info[0]);
    SearchPool::Search search{gallery_, {query.begin(), query.end()}, static_cast<std::size_t>(key_of(info[1])), {}};
    if (info[2].IsTypedArray()) {
      const auto keys = info[2].As<Napi::Uint32Array>();
      search.candidates.emplace(keys.Data(), keys.Data() + keys.ElementLength());
    }
    auto found = std::make_unique<Found>(info.Env());
    const Napi::Promise promise = found->promise();
    Environment& environment = found->environment;
    const auto pool = environment.searches();
    if (!pool) throw to_js(info.Env(), pool.error());
    // The callback owns it from the moment the search is taken on.
    const auto submitted =
        pool.value()->submit(std::move(search), [raw = found.get()](Result<Matches> matches) noexcept {
          raw->matches = std::move(matches);
          raw->environment.deliver(std::unique_ptr<Environment::Delivery>(raw));
        });
    if (!submitted) throw to_js(info.Env(), submitted.error());
    static_cast<void>(found.release());
    environment.expect();
    return promise;
  }

  const std::shared_ptr<Gallery> gallery_;
};

}  // namespace

void define_gallery(Napi::Env env, Napi::Object exports) { exports.Set("Gallery", GalleryObject::define(env)); }

}  // namespace timbre
