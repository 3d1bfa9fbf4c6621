#include "encoder.h"

#include <atomic>
#include <filesystem>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "bundle/torch_model.h"
#include "segmentation.h"
#include "values.h"

namespace timbre {

namespace {

/// What load() makes off the JS thread and the constructor takes over.
struct Loaded {
  std::shared_ptr<Engine> engine;
  double shortest_seconds = 0;
  std::int64_t bytes = 0;  ///< of the bundle, about what the engine holds
};

struct LoadRequest {
  std::string path;
  std::string device;
  std::string precision;
  bundle::CodeTrust trust;
  EngineOptions options;
};

Error closed_error() { return {ErrorCode::ENGINE_CLOSED, "the encoder is closed; load another one"}; }

Clock::time_point after_milliseconds(double milliseconds) {
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(milliseconds));
}

std::size_t count_of(const Napi::Object& object, const char* key) {
  return static_cast<std::size_t>(object.Get(key).As<Napi::Number>().Int64Value());
}

/// Of a job in flight or of a place.
std::uint64_t ticket_of(const Napi::Value& value) {
  return static_cast<std::uint64_t>(value.As<Napi::Number>().Int64Value());
}

AudioSelection selection_of(const Napi::Object& options) {
  AudioSelection selection;
  if (const auto channel = options.Get("channel"); channel.IsNumber()) {
    selection.channel = channel.As<Napi::Number>().Int32Value();
  }
  if (const auto track = options.Get("track"); track.IsNumber()) {
    selection.track = track.As<Napi::Number>().Int32Value();
  }
  return selection;
}

std::optional<Clock::time_point> deadline_of(const Napi::Object& options) {
  const auto timeout = options.Get("timeoutMs");
  if (!timeout.IsNumber()) return std::nullopt;
  return after_milliseconds(timeout.As<Napi::Number>().DoubleValue());
}

LoadRequest to_load_request(const Napi::Object& object) {
  LoadRequest request;
  request.path = object.Get("path").As<Napi::String>().Utf8Value();
  request.device = object.Get("device").As<Napi::String>().Utf8Value();
  request.precision = object.Get("precision").As<Napi::String>().Utf8Value();
  request.trust = to_code_trust(object);
  request.options.workers = count_of(object, "workers");
  request.options.admission.queued = count_of(object, "queueLimit");
  request.options.admission.input_bytes = count_of(object, "maxInputBytes");
  request.options.admission.working_bytes = count_of(object, "maxWorkingBytes");
  const std::string isolation = object.Get("isolation").As<Napi::String>().Utf8Value();
  request.options.isolation = isolation == "process" ? Isolation::kProcess : Isolation::kNone;
  request.options.max_batch = count_of(object, "maxBatch");
  request.options.limits.max_bytes = count_of(object, "maxBytes");
  request.options.limits.max_seconds = object.Get("maxSeconds").As<Napi::Number>().DoubleValue();
  return request;
}

Result<Loaded> load_engine(const LoadRequest& request) {
  auto model = bundle::load_torch_model(request.path, request.device, request.trust, request.precision);
  if (!model) return std::move(model).error();
  Environment::shut_down_at_exit();

  const bundle::Manifest& manifest = model.value()->manifest();
  auto front_end = FrontEnd::create(manifest.front_end);
  if (!front_end) return std::move(front_end).error();
  Loaded loaded;
  loaded.shortest_seconds =
      static_cast<double>(front_end.value()->samples_for(manifest.shortest_frames)) / manifest.front_end.sample_rate;
  std::error_code unknown_size;
  const auto bytes = std::filesystem::file_size(request.path, unknown_size);
  loaded.bytes = unknown_size ? 0 : static_cast<std::int64_t>(bytes);

  auto engine = Engine::create(std::move(model).value(), request.options);
  if (!engine) return std::move(engine).error();
  loaded.engine = std::move(engine).value();
  return loaded;
}

}  // namespace

void Encoder::define(Napi::Env env, Napi::Object exports) {
  const auto constructor =
      DefineClass(env, "NativeEncoder",
                  {InstanceMethod<&Encoder::submit>("submit"), InstanceMethod<&Encoder::converse>("converse"),
                   InstanceMethod<&Encoder::open>("open"), InstanceMethod<&Encoder::resize>("resize"),
                   InstanceMethod<&Encoder::drop>("drop"), InstanceMethod<&Encoder::has_room>("hasRoom"),
                   InstanceMethod<&Encoder::cancel>("cancel"), InstanceMethod<&Encoder::stats>("stats"),
                   InstanceMethod<&Encoder::close>("close")});
  Environment::of(env)->encoder_constructor = Napi::Persistent(constructor);
  exports.Set("load", Napi::Function::New<&Encoder::load>(env, "load"));
}

Napi::Value Encoder::load(const Napi::CallbackInfo& info) {
  const auto environment = Environment::of(info.Env());
  return environment->run(
      "timbre-load",
      [environment = environment.get(),
       request = to_load_request(info[0].As<Napi::Object>())]() -> Result<Environment::ToJs> {
        auto loaded = load_engine(request);
        if (!loaded) return std::move(loaded).error();
        return Environment::ToJs([environment, loaded = std::move(loaded).value()](Napi::Env env) mutable {
          return environment->encoder_constructor.New({Napi::External<Loaded>::New(env, &loaded)});
        });
      });
}

Encoder::Encoder(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Encoder>(info), environment_(Environment::of(info.Env())) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "load() makes encoders");
  Loaded& loaded = *info[0].As<Napi::External<Loaded>>().Data();
  owned_ = std::move(loaded.engine);
  engine_ = owned_;
  const bundle::Manifest& manifest = owned_->model().manifest();
  model_ = model_name(manifest, bundle::usual_pauses(manifest));
  model_with_pauses_ = model_name(manifest, bundle::Pauses::keep);
  external_bytes_ = loaded.bytes;
  // The collector knows nothing of the model's memory, and would let dropped encoders lie.
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), external_bytes_);
  environment_->on_shut_down(this, [this] { stop(); });
  info.This().As<Napi::Object>().Set("info", describe(info.Env(), loaded.shortest_seconds));
}

Encoder::~Encoder() {
  if (!environment_) return;
  environment_->forget(this);
  Napi::MemoryManagement::AdjustExternalMemory(Env(), -external_bytes_);
  if (!owned_ || environment_->is_shut_down()) return;
  try {
    environment_->run_unattended("timbre-free", [engine = std::move(owned_)]() mutable { engine.reset(); });
  } catch (...) {
    // No thread could be started, or memory ran out: the engine is freed here.
  }
}

Napi::Object Encoder::describe(Napi::Env env, double shortest_seconds) const {
  const bundle::Model& model = owned_->model();
  const bundle::Manifest& manifest = model.manifest();
  const EngineOptions& options = owned_->options();
  auto limits = Napi::Object::New(env);
  limits.Set("maxBytes", static_cast<double>(options.limits.max_bytes));
  limits.Set("maxSeconds", options.limits.max_seconds);
  limits.Set("maxInputBytes", static_cast<double>(options.admission.input_bytes));
  limits.Set("maxWorkingBytes", static_cast<double>(options.admission.working_bytes));
  auto description = Napi::Object::New(env);
  description.Set("model", model_);
  description.Set("modelWithPauses", model_with_pauses_);
  description.Set("pauses", bundle::usual_pauses(manifest) == bundle::Pauses::cut ? "cut" : "keep");
  description.Set("id", manifest.id);
  description.Set("family", manifest.family);
  description.Set("trained", manifest.trained);
  description.Set("embeddingDim", static_cast<double>(manifest.embedding_dim));
  description.Set("sampleRate", manifest.front_end.sample_rate);
  description.Set("shortestSeconds", shortest_seconds);
  description.Set("device", model.device());
  description.Set("deviceNote", model.device_note());
  description.Set("precision", model.precision());
  description.Set("workers", static_cast<double>(options.workers));
  description.Set("queueLimit", static_cast<double>(options.admission.queued));
  description.Set("isolation", options.isolation == Isolation::kProcess ? "process" : "none");
  description.Set("maxBatch", static_cast<double>(options.max_batch));
  description.Set("limits", limits);
  description.Set("manifest", manifest.json);
  return description;
}

/// An embedding, or why there is none, on its way to JS.
class Encoder::Arrival final : public Environment::Delivery {
 public:
  Arrival(Encoder& encoder, Napi::Env env)
      : encoder_(encoder), ticket_(++encoder.last_ticket_), deferred_(Napi::Promise::Deferred::New(env)) {}

  Ticket ticket() const { return ticket_; }
  Napi::Promise promise() const { return deferred_.Promise(); }

  /// From an engine's thread; nothing in it can fail.
  void send(Result<EmbedResult> result) noexcept {
    result_ = std::move(result);
    encoder_.environment_->deliver(std::unique_ptr<Environment::Delivery>(this));
  }

  void arrive(Napi::Env env) override {
    encoder_.in_flight_.erase(ticket_);
    encoder_.let_go();
    if (result_) {
      const bool keeps = result_.value().pauses == bundle::Pauses::keep;
      deferred_.Resolve(to_js(env, result_.value(), keeps ? encoder_.model_with_pauses_ : encoder_.model_));
    } else {
      deferred_.Reject(to_js(env, result_.error()).Value());
    }
  }

 private:
  Encoder& encoder_;
  const Ticket ticket_;
  const Napi::Promise::Deferred deferred_;
  Result<EmbedResult> result_ = EmbedResult();
};

Napi::Value Encoder::submit(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  // close() admits nothing more, though its thread may not have told the engine yet.
  if (!owned_) throw to_js(env, closed_error());
  const auto options = info[1].As<Napi::Object>();
  const int sample_rate = options.Get("sampleRate").ToNumber().Int32Value();
  Admission::Place place = take_place(options, announced(info[0], sample_rate), env);
  // Only now is anything copied.
  EmbedRequest request;
  request.source = to_audio_source(info[0], sample_rate);
  request.allow_silence = options.Get("allowSilence").ToBoolean();
  if (const auto pauses = options.Get("pauses"); pauses.IsString()) {
    request.pauses = pauses.As<Napi::String>().Utf8Value() == "cut" ? bundle::Pauses::cut : bundle::Pauses::keep;
  }
  if (const auto intervals = options.Get("intervals"); intervals.IsTypedArray()) {
    const auto ends = intervals.As<Napi::Float64Array>();
    for (std::size_t i = 0; i + 1 < ends.ElementLength(); i += 2) request.intervals.push_back({ends[i], ends[i + 1]});
  }
  if (const auto cut = options.Get("cutSeconds"); cut.IsNumber()) {
    request.cut_seconds = cut.As<Napi::Number>().DoubleValue();
  }
  request.selection = selection_of(options);
  request.deadline = deadline_of(options);

  auto job = Napi::Object::New(env);
  auto arrival = std::make_unique<Arrival>(*this, env);
  const Ticket ticket = arrival->ticket();
  job.Set("ticket", static_cast<double>(ticket));
  job.Set("result", arrival->promise());
  const auto known = in_flight_.emplace(ticket, 0).first;
  // The callback owns the arrival from the moment the job is taken on.
  const auto submitted =
      owned_->submit(std::move(place), std::move(request),
                     [raw = arrival.get()](Result<EmbedResult> result) noexcept { raw->send(std::move(result)); });
  if (!submitted) {
    in_flight_.erase(known);
    throw to_js(env, submitted.error());
  }
  static_cast<void>(arrival.release());
  known->second = submitted.value();
  hold();
  return job;
}

/// Tells JS how far a conversation is, unless it has not yet heard the last time.
class Encoder::ProgressReport final : public Environment::Delivery {
 public:
  struct Line {
    /// Of the JS thread, where it is reset. What is left of it where the environment ends first is the environment's.
    Napi::FunctionReference callback;
    std::atomic<bool> waiting = false;
  };

  ProgressReport(std::shared_ptr<Line> line, double done, double total)
      : line_(std::move(line)), done_(done), total_(total) {}

  static void send(Environment& environment, const std::shared_ptr<Line>& line, double done, double total) noexcept {
    if (line->waiting.exchange(true)) return;
    try {
      environment.deliver(std::make_unique<ProgressReport>(line, done, total));
    } catch (...) {
      line->waiting = false;  // without memory nobody is told how far it is
    }
  }

  void arrive(Napi::Env env) override {
    line_->waiting = false;
    if (line_->callback.IsEmpty()) return;
    const Napi::Value total = total_ > 0 ? Napi::Value(Napi::Number::New(env, total_)) : env.Null();
    line_->callback.Call({Napi::Number::New(env, done_), total});
  }

 private:
  const std::shared_ptr<Line> line_;
  const double done_;
  const double total_;
};

/// A conversation, or why there is none, on its way to JS.
class Encoder::ConversationArrival final : public Environment::Delivery {
 public:
  ConversationArrival(Encoder& encoder, Napi::Env env, std::string segmentation,
                      std::shared_ptr<ProgressReport::Line> line)
      : encoder_(encoder),
        ticket_(++encoder.last_ticket_),
        deferred_(Napi::Promise::Deferred::New(env)),
        segmentation_(std::move(segmentation)),
        line_(std::move(line)) {}

  Ticket ticket() const { return ticket_; }
  Napi::Promise promise() const { return deferred_.Promise(); }

  /// From an engine's thread; nothing in it can fail.
  void send(Result<ConversationResult> result) noexcept {
    result_ = std::move(result);
    encoder_.environment_->deliver(std::unique_ptr<Environment::Delivery>(this));
  }

  void arrive(Napi::Env env) override {
    encoder_.in_flight_.erase(ticket_);
    encoder_.let_go();
    line_->callback.Reset();
    if (result_) {
      deferred_.Resolve(to_js(env, result_.value(), encoder_.model_with_pauses_, segmentation_));
    } else {
      deferred_.Reject(to_js(env, result_.error()).Value());
    }
  }

 private:
  Encoder& encoder_;
  const Ticket ticket_;
  const Napi::Promise::Deferred deferred_;
  const std::string segmentation_;
  const std::shared_ptr<ProgressReport::Line> line_;
  Result<ConversationResult> result_ = ConversationResult();
};

Napi::Value Encoder::converse(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!owned_) throw to_js(env, closed_error());
  const auto options = info[1].As<Napi::Object>();
  const auto& segmentation = segmentation_of(info[2]);
  const int sample_rate = options.Get("sampleRate").ToNumber().Int32Value();
  Engine::Announced recording = announced(info[0], sample_rate);
  recording.seconds = 0;  // the limit is the call's own
  Admission::Place place = take_place(options, recording, env);
  ConversationRequest request;
  request.source = to_audio_source(info[0], sample_rate);
  request.selection = selection_of(options);
  request.deadline = deadline_of(options);
  request.counts.least = count_of(options, "least");
  request.counts.most = count_of(options, "most");
  request.max_seconds = options.Get("maxSeconds").As<Napi::Number>().DoubleValue();
  request.segment = [network = segmentation.network](auto windows, const Interrupt& interrupt) {
    return network->log_probabilities(windows, interrupt);
  };
  const auto line = std::make_shared<ProgressReport::Line>();
  if (info[3].IsFunction()) {
    line->callback = Napi::Persistent(info[3].As<Napi::Function>());
    line->callback.SuppressDestruct();
    request.progress = [environment = environment_, line](double done, double total) {
      ProgressReport::send(*environment, line, done, total);
    };
  }

  auto job = Napi::Object::New(env);
  auto arrival =
      std::make_unique<ConversationArrival>(*this, env, model_name(segmentation.manifest, bundle::Pauses::keep), line);
  const Ticket ticket = arrival->ticket();
  job.Set("ticket", static_cast<double>(ticket));
  job.Set("result", arrival->promise());
  const auto known = in_flight_.emplace(ticket, 0).first;
  // The callback owns the arrival from the moment the job is taken on.
  const auto submitted = owned_->submit_conversation(
      std::move(place), std::move(request),
      [raw = arrival.get()](Result<ConversationResult> result) noexcept { raw->send(std::move(result)); });
  if (!submitted) {
    in_flight_.erase(known);
    line->callback.Reset();
    throw to_js(env, submitted.error());
  }
  static_cast<void>(arrival.release());
  known->second = submitted.value();
  hold();
  return job;
}

Admission::Place Encoder::take_place(const Napi::Object& options, const Engine::Announced& recording, Napi::Env env) {
  if (const auto held = options.Get("place"); held.IsNumber()) {
    auto node = places_.extract(ticket_of(held));
    if (node.empty()) throw Napi::TypeError::New(env, "there is no such place");
    return std::move(node.mapped());
  }
  auto admitted = owned_->admit(recording);
  if (!admitted) throw to_js(env, admitted.error());
  return std::move(admitted).value();
}

Napi::Value Encoder::open(const Napi::CallbackInfo& info) {
  if (!owned_) throw to_js(info.Env(), closed_error());
  auto place = owned_->admit({});
  if (!place) throw to_js(info.Env(), place.error());
  const Ticket ticket = ++last_ticket_;
  places_.emplace(ticket, std::move(place).value());
  return Napi::Number::New(info.Env(), static_cast<double>(ticket));
}

Napi::Value Encoder::resize(const Napi::CallbackInfo& info) {
  auto& place = places_.at(ticket_of(info[0]));
  const auto resized = place.resize_input(static_cast<std::uint64_t>(info[1].As<Napi::Number>().Int64Value()));
  if (!resized) throw to_js(info.Env(), resized.error());
  return info.Env().Undefined();
}

Napi::Value Encoder::drop(const Napi::CallbackInfo& info) {
  places_.erase(ticket_of(info[0]));
  return info.Env().Undefined();
}

Napi::Value Encoder::has_room(const Napi::CallbackInfo& info) {
  const auto bytes = static_cast<std::uint64_t>(info[0].As<Napi::Number>().Int64Value());
  // A closed encoder says so where it is asked to embed.
  return Napi::Boolean::New(info.Env(), !owned_ || owned_->has_room(bytes));
}

Napi::Value Encoder::cancel(const Napi::CallbackInfo& info) {
  const auto engine = engine_.lock();
  const auto job = in_flight_.find(ticket_of(info[0]));
  return Napi::Boolean::New(info.Env(), engine && job != in_flight_.end() && engine->cancel(job->second));
}

Napi::Value Encoder::stats(const Napi::CallbackInfo& info) {
  const auto engine = engine_.lock();
  return to_js(info.Env(), engine ? engine->stats() : last_stats_);
}

Napi::Value Encoder::close(const Napi::CallbackInfo& info) {
  if (!owned_) throw to_js(info.Env(), closed_error());
  std::optional<Clock::time_point> drain;
  if (const double milliseconds = info[0].As<Napi::Number>().DoubleValue(); milliseconds > 0) {
    drain = after_milliseconds(milliseconds);
  }
  // Where no thread can be started, the encoder stays as it was.
  const std::shared_ptr<Engine> engine = owned_;
  const Napi::Promise closed =
      environment_->run("timbre-close", [this, drain, engine]() mutable -> Result<Environment::ToJs> {
        engine->close(drain);
        return Environment::ToJs([this, stats = engine->stats()](Napi::Env env) {
          last_stats_ = stats;
          Napi::MemoryManagement::AdjustExternalMemory(env, -std::exchange(external_bytes_, 0));
          let_go();
          return env.Undefined();
        });
      });
  owned_.reset();
  hold();
  return closed;
}

void Encoder::hold() {
  environment_->expect();
  Ref();
}

void Encoder::let_go() {
  environment_->expect_no_more();
  Unref();
}

void Encoder::stop() {
  const auto engine = engine_.lock();
  if (!engine) return;
  for (const auto& [ticket, job] : in_flight_) engine->cancel(job);
  engine->close();
}

}  // namespace timbre
