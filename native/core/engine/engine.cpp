#include "engine/engine.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "engine/scheduler.h"
#include "support/text.h"
#include "support/worker_thread.h"

namespace timbre {

namespace {

std::optional<Error> invalid(const EngineOptions& options) {
  const auto refused = [](const char* option, double value, double low, double high) -> std::optional<Error> {
    if (value >= low && value <= high) return std::nullopt;
    return Error{ErrorCode::INVALID_ARGUMENT,
                 std::string(option) + " is " + text(value) + "; allowed is " + text(low) + " to " + text(high)};
  };
  const auto number = [](auto value) { return static_cast<double>(value); };
  constexpr double kMostBytes = 1e15;
  const AdmissionLimits& admission = options.admission;
  for (const auto& error :
       {refused("workers", number(options.workers), 1, 256), refused("queueLimit", number(admission.queued), 1, 1e6),
        refused("maxBatch", number(options.max_batch), 1, 1024),
        refused("limits.maxBytes", number(options.limits.max_bytes), 1, 1e12),
        refused("limits.maxSeconds", options.limits.max_seconds, 0.01, 86400),
        refused("limits.maxInputBytes", number(admission.input_bytes), 1, kMostBytes),
        refused("limits.maxWorkingBytes", number(admission.working_bytes), 1, kMostBytes)}) {
    if (error) return error;
  }
  return std::nullopt;
}

}  // namespace

Engine::Announced Engine::announce(const EmbedRequest& request) { return announce(request.source); }

Engine::Announced Engine::announce(const AudioSource& source) {
  if (const auto* bytes = std::get_if<AudioBytes>(&source)) return {bytes->bytes.size(), true, 0};
  const auto* samples = std::get_if<AudioSamples>(&source);
  return samples ? announce_samples(samples->samples.size(), samples->sample_rate) : Announced{};
}

Engine::Announced Engine::announce_samples(std::size_t count, int sample_rate) {
  // What has no rate, decoding refuses.
  const double seconds = sample_rate > 0 ? static_cast<double>(count) / sample_rate : 0;
  return {count * sizeof(float), false, seconds};
}

Result<std::unique_ptr<Engine>> Engine::create(std::unique_ptr<const bundle::Model> model,
                                               const EngineOptions& options) {
  try {
    if (auto error = invalid(options)) return *std::move(error);
    auto front_end = FrontEnd::create(model->manifest().front_end);
    if (!front_end) return std::move(front_end).error();
    if (options.isolation == Isolation::kProcess) {
      // What cannot be decoded with is told now, not by every recording.
      ContainedDecoder tried(options.limits, model->manifest().front_end.sample_rate);
      if (auto started = tried.start(); !started) return std::move(started).error();
    }
    std::unique_ptr<Engine> engine(
        new Engine(std::make_shared<Scheduler>(std::move(model), std::move(front_end).value(), options)));
    if (auto started = engine->start_threads(); !started) return std::move(started).error();
    return engine;
  } catch (...) {
    return caught_error("making an engine", "use fewer workers");
  }
}

Engine::Engine(std::shared_ptr<Scheduler> scheduler) : scheduler_(std::move(scheduler)) {}

Engine::~Engine() {
  close();
  // Only a callback that destroys the engine finds threads that close() did not join, its own among them. They end by
  // themselves; what they use is theirs too.
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.detach();
  }
}

Status Engine::start_threads() {
  const std::size_t workers = options().workers;
  // Reserved: a thread that has started has a place.
  constexpr std::size_t kBeside = 2;
  threads_.reserve(workers + kBeside);
  const auto start = [this](const std::string& name, void (Scheduler::*life)() noexcept) {
    threads_.push_back(start_worker(name, [scheduler = scheduler_, life] { ((*scheduler).*life)(); }));
  };
  scheduler_->expect_workers(workers);
  std::size_t started = 0;
  try {
    start("timbre-clock", &Scheduler::watch_deadlines);
    if (model().batches()) start("timbre-device", &Scheduler::run_device);
    for (; started < workers; ++started) start("timbre-" + std::to_string(started), &Scheduler::work);
  } catch (const std::system_error& error) {
    scheduler_->expect_workers(started);
    return Error{ErrorCode::OVERLOADED, std::string("the engine's threads could not be started (") + error.what() +
                                            "); use fewer workers or raise the limit (ulimit -u)"};
  } catch (...) {
    scheduler_->expect_workers(started);
    throw;
  }
  return ok();
}

Result<Admission::Place> Engine::admit(const Announced& recording) {
  try {
    return scheduler_->admit(recording);
  } catch (...) {
    return caught_error("admitting a recording", "use fewer workers or shorter recordings");
  }
}

bool Engine::has_room(std::uint64_t bytes) const { return scheduler_->has_room(bytes); }

Result<Engine::JobId> Engine::submit(Admission::Place place, EmbedRequest request, Callback done) {
  try {
    return scheduler_->submit(std::move(place), std::move(request), std::move(done));
  } catch (...) {
    return caught_error("queueing a recording", "use fewer workers or shorter recordings");
  }
}

Result<Engine::JobId> Engine::submit(EmbedRequest request, Callback done) {
  auto place = admit(announce(request));
  if (!place) return std::move(place).error();
  return submit(std::move(place).value(), std::move(request), std::move(done));
}

Result<Engine::JobId> Engine::submit_conversation(Admission::Place place, ConversationRequest request,
                                                  ConversationCallback done) {
  const auto& [least, most] = request.counts;
  const std::size_t highest = conversation::Recipe().highest;
  if (least < 1 || least > highest || most > highest || (most > 0 && least > most)) {
    return Error{ErrorCode::INVALID_ARGUMENT, "of a conversation at least " + std::to_string(least) + " and at most " +
                                                  std::to_string(most) + " speakers are asked for; allowed is 1 to " +
                                                  std::to_string(highest) + ", the first no more than the second"};
  }
  if (const int rate = model().manifest().front_end.sample_rate; rate != conversation::kSampleRate) {
    return Error{ErrorCode::INVALID_ARGUMENT, "the model '" + model().manifest().id + "' is of " +
                                                  std::to_string(rate) +
                                                  " Hz, and conversations are of 16000 Hz: take "
                                                  "another model"};
  }
  try {
    return scheduler_->submit(std::move(place), std::move(request), std::move(done));
  } catch (...) {
    return caught_error("queueing a recording", "use fewer workers or shorter recordings");
  }
}

Result<Engine::JobId> Engine::submit_conversation(ConversationRequest request, ConversationCallback done) {
  Announced announced = announce(request.source);
  announced.seconds = 0;  // a limit of its own
  auto place = admit(announced);
  if (!place) return std::move(place).error();
  return submit_conversation(std::move(place).value(), std::move(request), std::move(done));
}

bool Engine::cancel(JobId job) { return scheduler_->cancel(job); }

void Engine::close(std::optional<Clock::time_point> drain) {
  scheduler_->stop(drain);
  // A callback cannot wait for the thread that it runs on: whoever closes last does.
  if (scheduler_->in_callback()) return;
  {
    const std::lock_guard joining(join_mutex_);
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  scheduler_->wait_for_callbacks();
}

const bundle::Model& Engine::model() const { return scheduler_->model(); }
const EngineOptions& Engine::options() const { return scheduler_->options(); }
EngineStats Engine::stats() const { return scheduler_->stats(); }

}  // namespace timbre
