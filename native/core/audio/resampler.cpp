#include "audio/resampler.h"

#include <soxr.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace timbre {

struct Resampler::Soxr {
  soxr_t handle = nullptr;
  double ratio = 1;  ///< samples out per sample in

  Soxr() = default;
  Soxr(const Soxr&) = delete;
  Soxr& operator=(const Soxr&) = delete;
  ~Soxr() { soxr_delete(handle); }

  /// With `in` null: flushes.
  Status process(const float* in, std::size_t count, std::vector<float>& out) {
    constexpr std::size_t kRoom = 4096;
    for (std::size_t used_in_all = 0;;) {
      const std::size_t before = out.size();
      const auto expected = static_cast<std::size_t>(std::ceil(static_cast<double>(count - used_in_all) * ratio));
      out.resize(before + expected + kRoom);
      std::size_t used = 0;
      std::size_t made = 0;
      const soxr_error_t error = soxr_process(handle, in ? in + used_in_all : nullptr, count - used_in_all, &used,
                                              out.data() + before, out.size() - before, &made);
      out.resize(before + made);
      if (error) return Error{ErrorCode::INTERNAL, std::string("resampling failed: ") + error};
      used_in_all += used;
      if (in ? used_in_all == count : made == 0) return ok();
    }
  }
};

Resampler::Resampler(std::unique_ptr<Soxr> soxr) : soxr_(std::move(soxr)) {}
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler::~Resampler() = default;

Result<Resampler> Resampler::create(int from, int to) {
  if (from == to) return Resampler(nullptr);
  auto soxr = std::make_unique<Soxr>();
  soxr->ratio = static_cast<double>(to) / from;
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  soxr_error_t error = nullptr;
  soxr->handle = soxr_create(from, to, 1, &error, &io, &quality, &runtime);
  if (error || !soxr->handle) {
    return Error{ErrorCode::OUT_OF_MEMORY,
                 std::string("the resampler could not be made: ") + (error ? error : "no memory")};
  }
  return Resampler(std::move(soxr));
}

Status Resampler::push(std::span<const float> in, std::vector<float>& out) {
  if (soxr_ && !in.empty()) return soxr_->process(in.data(), in.size(), out);
  out.insert(out.end(), in.begin(), in.end());
  return ok();
}

Status Resampler::finish(std::vector<float>& out) { return soxr_ ? soxr_->process(nullptr, 0, out) : ok(); }

Result<std::vector<float>> resample(std::span<const float> samples, int from, int to, const Interrupt& interrupt) {
  constexpr std::size_t kBlock = 16384;  // some milliseconds of work
  auto resampler = Resampler::create(from, to);
  if (!resampler) return std::move(resampler).error();
  std::vector<float> made;
  while (!samples.empty()) {
    if (auto stop = interrupt.check()) return *std::move(stop);
    const auto block = samples.first(std::min(samples.size(), kBlock));
    if (auto pushed = resampler.value().push(block, made); !pushed) return std::move(pushed).error();
    samples = samples.subspan(block.size());
  }
  if (auto finished = resampler.value().finish(made); !finished) return std::move(finished).error();
  return made;
}

std::string soxr_library() { return soxr_version(); }

}  // namespace timbre
