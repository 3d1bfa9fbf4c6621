#pragma once

#include <cmath>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <numbers>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace timbre::test {

/// Holds whoever passes until it is opened, and lets a test wait until somebody stands before it.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }

  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  void wait_for_arrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

/// Opens a gate before whatever was declared earlier is destroyed and would wait for it.
class Opener {
 public:
  explicit Opener(Gate& gate) : gate_(gate) {}
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;
  ~Opener() { gate_.open(); }

 private:
  Gate& gate_;
};

inline bundle::Manifest manifest() {
  bundle::Manifest manifest;
  manifest.id = "fake";
  manifest.embedding_dim = 2;
  manifest.shortest_frames = 5;
  FrontEndConfig& config = manifest.front_end;
  config.type = "speechbrain";
  config.sample_rate = 16000;
  config.frame_length = 400;
  config.frame_shift = 160;
  config.fft_length = 400;
  config.window = "hamming_periodic";
  config.mel_bins = 8;
  config.high_hz = 8000;
  config.sample_scale = 1;
  config.log_floor = 1e-10;
  config.top_db = 80;
  config.subtract_mean = true;
  return manifest;
}

/// What a fake model gives for a batch.
using Embeddings = std::vector<Result<bundle::Embedding>>;
/// What a fake model does with a batch.
using Embed = std::function<Result<Embeddings>(std::span<const bundle::Utterance>)>;

/// [number of frames, features[0][0]]: tells utterances of different length or content apart.
inline bundle::Embedding signature(const Matrix& features) {
  return {static_cast<float>(features.rows), features.values[0]};
}

inline Result<Embeddings> signatures(std::span<const bundle::Utterance> utterances) {
  Embeddings embeddings;
  for (const bundle::Utterance& one : utterances) embeddings.emplace_back(signature(*one.features));
  return embeddings;
}

/// Stands where LibTorch's model stands, and remembers the batches that it was given.
class FakeModel final : public bundle::Model {
 public:
  static constexpr std::uint64_t kBytesPerFrame = 1000;

  explicit FakeModel(bool batches, Embed embed = signatures, bundle::Manifest described = test::manifest(),
                     std::size_t frames_together = 0)
      : manifest_(std::move(described)),
        batches_(batches),
        frames_together_(frames_together),
        embed_(std::move(embed)) {}

  const bundle::Manifest& manifest() const override { return manifest_; }
  const std::string& device() const override { return device_; }
  const std::string& device_note() const override { return note_; }
  const std::string& precision() const override { return precision_; }
  bool batches() const override { return batches_; }
  std::size_t frames_together() const override { return frames_together_; }

  std::uint64_t activation_bytes(std::size_t frames) const override { return kBytesPerFrame * frames; }

  Result<Embeddings> embed(std::span<const bundle::Utterance> utterances) const override {
    {
      const std::lock_guard lock(mutex_);
      std::vector<std::size_t> rows;
      for (const bundle::Utterance& one : utterances) rows.push_back(one.features->rows);
      seen_.push_back(std::move(rows));
    }
    return embed_(utterances);
  }

  /// The frames of each utterance of each batch so far.
  std::vector<std::vector<std::size_t>> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  const bundle::Manifest manifest_;
  const std::string device_ = "fake";
  const std::string note_;
  const std::string precision_ = "fp32";
  const bool batches_;
  const std::size_t frames_together_;
  const Embed embed_;
  mutable std::mutex mutex_;
  mutable std::vector<std::vector<std::size_t>> seen_;
};

/// A tone of so many frames of 10 ms; its features make 1 + `frames` rows.
inline AudioSamples tone(std::size_t frames, double hz = 440) {
  AudioSamples audio{std::vector<float>(160 * frames), 16000};
  for (std::size_t i = 0; i < audio.samples.size(); ++i) {
    audio.samples[i] =
        static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / audio.sample_rate));
  }
  return audio;
}

inline EmbedRequest request(AudioSource source) {
  EmbedRequest request;
  request.source = std::move(source);
  return request;
}

/// The result of one job, once it is there. Calling back twice throws, which ends the test program.
class Outcome {
 public:
  Outcome() = default;
  Outcome(Outcome&&) = default;
  Outcome& operator=(Outcome&&) = default;
  ~Outcome() = default;

  Engine::Callback callback() {
    return [promise = promise_](Result<EmbedResult> result) { promise->set_value(std::move(result)); };
  }

  bool there() const { return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

  const Result<EmbedResult>& wait() const { return future_.get(); }

  /// "" for an embedding, else the error's code.
  std::string code() const { return wait() ? "" : std::string(name(wait().error().code)); }

 private:
  std::shared_ptr<std::promise<Result<EmbedResult>>> promise_ = std::make_shared<std::promise<Result<EmbedResult>>>();
  std::shared_future<Result<EmbedResult>> future_ = promise_->get_future().share();
};

inline std::unique_ptr<Engine> make_engine(std::unique_ptr<const bundle::Model> model, EngineOptions options = {}) {
  auto engine = Engine::create(std::move(model), options);
  return engine ? std::move(engine).value() : nullptr;
}

}  // namespace timbre::test
