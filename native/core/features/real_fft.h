#pragma once

#include <complex>
#include <memory>
#include <span>
#include <vector>

namespace timbre {

/// Real discrete Fourier transform of one even length, by kissfft. Not thread-safe: one per call or thread.
class RealFft {
 public:
  explicit RealFft(int points);

  int points() const { return points_; }

  /// `frame` has points() samples; writes |X[k]|^2 for k = 0 .. points() / 2.
  void power(std::span<const float> frame, std::span<float> power);

 private:
  struct Free {
    void operator()(void* plan) const;
  };

  int points_;
  std::unique_ptr<void, Free> plan_;
  std::vector<std::complex<float>> spectrum_;
};

}  // namespace timbre
