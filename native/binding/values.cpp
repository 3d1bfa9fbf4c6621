#include "values.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace timbre {

namespace {

constexpr double kMilliseconds = 1000;
constexpr std::size_t kIdentityDigits = 12;

/// Null for a recording that is whole.
Napi::Value to_js(Napi::Env env, const Completeness& completeness) {
  if (completeness.complete()) return env.Null();
  auto object = Napi::Object::New(env);
  object.Set("reason", std::string(name(completeness.shortfall)));
  const auto& seconds = completeness.missing_seconds;
  object.Set("missingSeconds", seconds ? Napi::Value(Napi::Number::New(env, *seconds)) : env.Null());
  object.Set("message", "the recording " + completeness.what);
  return object;
}

Napi::Object to_js(Napi::Env env, const AudioInfo& audio) {
  auto object = Napi::Object::New(env);
  object.Set("seconds", audio.seconds);
  object.Set("sampleRate", audio.sample_rate);
  object.Set("channels", audio.channels);
  object.Set("channel", audio.channel ? Napi::Value(Napi::Number::New(env, *audio.channel))
                                      : Napi::Value(Napi::String::New(env, "mix")));
  object.Set("channelsCancel", audio.channels_cancel);
  object.Set("channelsAlike", audio.channels_alike);
  object.Set("tracks", audio.tracks);
  object.Set("track", audio.track);
  object.Set("format", audio.format);
  object.Set("complete", audio.completeness.complete());
  object.Set("incomplete", to_js(env, audio.completeness));
  return object;
}

Napi::Object to_js(Napi::Env env, const SpeechReport& speech) {
  auto object = Napi::Object::New(env);
  object.Set("seconds", speech.seconds);
  return object;
}

Napi::Object quality_to_js(Napi::Env env, const SpeechReport& speech, const AudioInfo& audio) {
  auto object = Napi::Object::New(env);
  object.Set("snrDb", speech.snr_db ? Napi::Value(Napi::Number::New(env, *speech.snr_db)) : env.Null());
  object.Set("clippedShare", audio.clipped_share);
  object.Set("bandwidthHz", speech.bandwidth_hz);
  object.Set("levelDb", speech.level_db);
  return object;
}

Error not_open(int reason) {
  const std::string said = std::generic_category().message(reason);
  if (reason == EMFILE || reason == ENFILE) {
    return {ErrorCode::OVERLOADED,
            "a recording cannot be opened (" + said + "); close files or raise the limit (ulimit -n)"};
  }
  return {ErrorCode::INVALID_ARGUMENT, "the descriptor of a recording is not that of an open file (" + said + ")"};
}

AudioBytes joined(const Napi::Array& pieces) {
  std::size_t size = 0;
  for (std::uint32_t i = 0; i < pieces.Length(); ++i) size += pieces.Get(i).As<Napi::Uint8Array>().ElementLength();
  AudioBytes joined;
  joined.bytes.reserve(size);
  for (std::uint32_t i = 0; i < pieces.Length(); ++i) {
    const auto piece = pieces.Get(i).As<Napi::Uint8Array>();
    joined.bytes.insert(joined.bytes.end(), piece.Data(), piece.Data() + piece.ElementLength());
  }
  return joined;
}

}  // namespace

Napi::Error to_js(Napi::Env env, const Error& error) {
  auto object = Napi::Error::New(env, error.message);
  object.Set("code", std::string(name(error.code)));
  return object;
}

Napi::Object to_js(Napi::Env env, const Timings& timings) {
  auto object = Napi::Object::New(env);
  object.Set("queue", kMilliseconds * timings.queue);
  object.Set("decode", kMilliseconds * timings.decode);
  object.Set("resample", kMilliseconds * timings.resample);
  object.Set("speech", kMilliseconds * timings.speech);
  object.Set("features", kMilliseconds * timings.features);
  object.Set("model", kMilliseconds * timings.model);
  object.Set("total", kMilliseconds * timings.total);
  return object;
}

Napi::Object to_js(Napi::Env env, const ConversationResult& result, const std::string& model,
                   const std::string& segmentation) {
  const conversation::Conversation& found = result.conversation;
  auto turns = Napi::Array::New(env, found.turns.size());
  for (std::uint32_t i = 0; i < turns.Length(); ++i) {
    const conversation::Turn& from = found.turns[i];
    auto to = Napi::Object::New(env);
    to.Set("start", from.start);
    to.Set("end", from.end);
    to.Set("speaker", static_cast<double>(from.speaker));
    to.Set("overlap", from.overlap);
    turns.Set(i, to);
  }
  auto embeddings = Napi::Array::New(env, found.speakers);
  for (std::uint32_t k = 0; k < embeddings.Length(); ++k) {
    auto embedding = Napi::Float32Array::New(env, found.centroids.cols);
    std::ranges::copy(found.centroids.row(k), embedding.Data());
    embeddings.Set(k, embedding);
  }
  auto object = Napi::Object::New(env);
  object.Set("turns", turns);
  object.Set("speakers", static_cast<double>(found.speakers));
  object.Set("embeddings", embeddings);
  object.Set("model", model);
  object.Set("segmentation", segmentation);
  object.Set("audio", to_js(env, result.audio));
  object.Set("timings", to_js(env, result.timings));
  return object;
}

Napi::Object to_js(Napi::Env env, const EngineStats& stats) {
  auto object = Napi::Object::New(env);
  const auto set = [&](const char* key, auto count) { object.Set(key, static_cast<double>(count)); };
  set("submitted", stats.submitted);
  set("completed", stats.completed);
  set("failed", stats.failed);
  set("aborted", stats.aborted);
  set("rejected", stats.admission.refused);
  set("batches", stats.batches);
  set("queued", stats.queued);
  set("running", stats.running);
  set("waitingForMemory", stats.admission.waiting_for_memory);
  set("inputBytes", stats.admission.input_bytes);
  set("workingBytes", stats.admission.working_bytes);
  set("audioSeconds", stats.audio_seconds);
  object.Set("timings", to_js(env, stats.seconds));
  return object;
}

Napi::Object to_js(Napi::Env env, const EmbedResult& result, const std::string& model) {
  auto embedding = Napi::Float32Array::New(env, result.embedding.size());
  std::ranges::copy(result.embedding, embedding.Data());
  auto object = Napi::Object::New(env);
  object.Set("embedding", embedding);
  object.Set("model", model);
  object.Set("audio", to_js(env, result.audio));
  object.Set("speech", to_js(env, result.speech));
  auto embedded = Napi::Object::New(env);
  embedded.Set("seconds", result.embedded_seconds);
  embedded.Set("pauses", result.pauses == bundle::Pauses::cut ? "cut" : "keep");
  object.Set("embedded", embedded);
  object.Set("quality", quality_to_js(env, result.speech, result.audio));
  object.Set("timings", to_js(env, result.timings));
  return object;
}

AudioSource to_audio_source(Napi::Value input, int sample_rate) {
  if (input.IsString()) return AudioPath{input.As<Napi::String>().Utf8Value()};
  if (input.IsNumber()) {
    // A descriptor of the addon's own: the caller may close his as soon as this returns.
    const int copy = ::fcntl(input.As<Napi::Number>().Int32Value(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) throw to_js(input.Env(), not_open(errno));
    return AudioFile{std::make_shared<const Descriptor>(copy)};
  }
  if (input.IsArray()) return joined(input.As<Napi::Array>());
  if (input.IsTypedArray()) {
    // Memory that another thread writes to meanwhile is copied like any other: what the copy holds then stays.
    const auto array = input.As<Napi::TypedArray>();
    if (array.TypedArrayType() == napi_uint8_array) {
      const auto bytes = array.As<Napi::Uint8Array>();
      return AudioBytes{{bytes.Data(), bytes.Data() + bytes.ElementLength()}};
    }
    if (array.TypedArrayType() == napi_float32_array) {
      const auto samples = array.As<Napi::Float32Array>();
      return AudioSamples{{samples.Data(), samples.Data() + samples.ElementLength()}, sample_rate};
    }
  }
  throw Napi::TypeError::New(input.Env(), "an input is a string, a number, a Uint8Array or a Float32Array");
}

Engine::Announced announced(Napi::Value input, int sample_rate) {
  if (!input.IsTypedArray()) return {};
  const auto array = input.As<Napi::TypedArray>();
  if (array.TypedArrayType() == napi_float32_array) {
    return Engine::announce_samples(array.ElementLength(), sample_rate);
  }
  return {.bytes = array.ByteLength()};
}

bundle::CodeTrust to_code_trust(const Napi::Object& object) {
  return {object.Get("skeletons").As<Napi::String>().Utf8Value(), object.Get("allowCode").As<Napi::Boolean>().Value()};
}

std::string model_name(const bundle::Manifest& manifest, bundle::Pauses pauses) {
  return manifest.id + "@" + bundle::identity(manifest, pauses).substr(0, kIdentityDigits);
}

}  // namespace timbre
