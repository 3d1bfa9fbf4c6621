#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bundle/torch_model.h"
#include "checkpoint/convert.h"
#include "features/front_end.h"
#include "support/matrix.h"

namespace timbre::testing {

inline const std::string kCheckpoints = std::string(TIMBRE_FIXTURES) + "/checkpoints/";
inline const std::string kSkeletons = std::string(TIMBRE_SKELETONS);
inline const bundle::CodeTrust kShipped = {kSkeletons};
/// Of files that a test wrote.
inline const bundle::CodeTrust kAny = {kSkeletons, true};

inline checkpoint::ConvertRequest request(const std::string& checkpoint, const std::string& family,
                                          const std::string& out) {
  checkpoint::ConvertRequest request;
  request.checkpoint = checkpoint;
  request.family = family;
  request.trust = kShipped;
  request.out = out;
  request.id = "test";
  return request;
}

/// Takes what a test needs to work; a failure ends the test with the error's message.
template <typename T>
T take(Result<T> result) {
  if (!result) {
    throw std::runtime_error(std::string(name(result.error().code)) + ": " + result.error().message);
  }
  return std::move(result).value();
}

inline std::vector<bundle::Embedding> embed(const bundle::Model& model, const std::vector<Matrix>& features) {
  std::vector<bundle::Utterance> batch;
  for (const Matrix& matrix : features) {
    batch.push_back({&matrix});
  }
  std::vector<bundle::Embedding> embeddings;
  for (auto& embedding : take(model.embed(batch))) {
    embeddings.push_back(take(std::move(embedding)));
  }
  return embeddings;
}

/// |found - expected| / |expected|
inline double relative_error(const std::vector<float>& found, const std::vector<float>& expected) {
  EXPECT_EQ(found.size(), expected.size());
  double difference = 0;
  double length = 0;
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    const double d = static_cast<double>(found[i]) - expected[i];
    difference += d * d;
    length += static_cast<double>(expected[i]) * expected[i];
  }
  return std::sqrt(difference / length);
}

inline double one_minus_cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0;
  double a_squared = 0;
  double b_squared = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    a_squared += static_cast<double>(a[i]) * a[i];
    b_squared += static_cast<double>(b[i]) * b[i];
  }
  return 1 - product / std::sqrt(a_squared * b_squared);
}

}  // namespace timbre::testing
