#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "engine/engine.h"
#include "environment.h"

namespace timbre {

/// The JS object of one engine. It keeps itself alive while something is in flight; collected, it frees the engine on
/// another thread.
class Encoder : public Napi::ObjectWrap<Encoder> {
 public:
  static void define(Napi::Env env, Napi::Object exports);

  /// For JS: `load(NativeLoadRequest of src/addon/binding.ts)`, a promise of an Encoder.
  static Napi::Value load(const Napi::CallbackInfo& info);

  /// Only load() calls it.
  explicit Encoder(const Napi::CallbackInfo& info);
  ~Encoder() override;

 private:
  using Ticket = std::uint64_t;

  class Arrival;
  class ConversationArrival;
  class ProgressReport;

  /// submit(input, NativeEmbedOptions): `{ ticket, result }`, the second a promise. Throws at once what Engine::admit
  /// and Engine::submit answer, before anything is copied.
  Napi::Value submit(const Napi::CallbackInfo& info);
  /// converse(input, NativeConversationOptions, segmentation, onProgress): as submit(), of a NativeConversation.
  Napi::Value converse(const Napi::CallbackInfo& info);
  /// open(): a place for an input that is still to be read, for submit(); held until then, or until drop(place).
  Napi::Value open(const Napi::CallbackInfo& info);
  /// resize(place, bytes): throws where there is no room for so many bytes.
  Napi::Value resize(const Napi::CallbackInfo& info);
  Napi::Value drop(const Napi::CallbackInfo& info);
  /// hasRoom(bytes): whether an input of so many bytes would be admitted now.
  Napi::Value has_room(const Napi::CallbackInfo& info);
  /// cancel(ticket): whether the job was still known.
  Napi::Value cancel(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  /// close(drainMs): a promise that is kept when every thread has ended and the model is freed. Once only.
  Napi::Value close(const Napi::CallbackInfo& info);

  /// The place that options name, or one for the input. Throws.
  Admission::Place take_place(const Napi::Object& options, const Engine::Announced& recording, Napi::Env env);

  /// Held by what delivers to `this`.
  void hold();
  void let_go();

  /// EncoderInfo of src/addon/types.ts, the manifest as text; becomes the property `info`.
  Napi::Object describe(Napi::Env env, double shortest_seconds) const;
  /// Ends every job and joins the engine's threads.
  void stop();

  std::shared_ptr<Environment> environment_;
  std::shared_ptr<Engine> owned_;  ///< until close() hands it to the thread that closes it
  std::weak_ptr<Engine> engine_;   ///< also while that thread closes it
  std::string model_;              ///< names what is embedded as the bundle says
  std::string model_with_pauses_;  ///< and with every pause kept; the same where the bundle has no rule
  EngineStats last_stats_;
  std::int64_t external_bytes_ = 0;
  std::unordered_map<Ticket, Engine::JobId> in_flight_;
  std::unordered_map<Ticket, Admission::Place> places_;  ///< of inputs that are being read
  Ticket last_ticket_ = 0;
};

}  // namespace timbre
