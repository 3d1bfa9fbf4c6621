#pragma once

#include <napi.h>

#include <functional>
#include <string>

#include "bundle/code_trust.h"
#include "engine/engine.h"
#include "support/result.h"

/// Between JS values and the core's structs. Seconds of the core are milliseconds where JS calls them timings.
namespace timbre {

/// An Error with the property `code`, of which src/addon makes a TimbreError.
Napi::Error to_js(Napi::Env env, const Error& error);

Napi::Object to_js(Napi::Env env, const Timings& timings);
Napi::Object to_js(Napi::Env env, const EngineStats& stats);

/// An EmbedResult of src/addon/types.ts; its vector is memory of V8's own.
Napi::Object to_js(Napi::Env env, const EmbedResult& result, const std::string& model);

/// A NativeConversation of src/addon/binding.ts.
Napi::Object to_js(Napi::Env env, const ConversationResult& result, const std::string& model,
                   const std::string& segmentation);

/// A string is a path, a Uint8Array an encoded recording, a Float32Array samples at `sample_rate`. Copied.
/// Throws a TypeError for anything else.
/// Several Uint8Arrays are one encoded recording in pieces.
AudioSource to_audio_source(Napi::Value input, int sample_rate);

/// What is known of such an input before it is copied.
Engine::Announced announced(Napi::Value input, int sample_rate);

/// Of an object with `skeletons`, their folder, and `allowCode`.
bundle::CodeTrust to_code_trust(const Napi::Object& object);

/// "<id>@<first 12 digits of the identity>"
std::string model_name(const bundle::Manifest& manifest, bundle::Pauses pauses);

}  // namespace timbre
