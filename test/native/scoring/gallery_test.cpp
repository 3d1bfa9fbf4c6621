#include "scoring/gallery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <thread>

#include "scoring/cosine.h"

namespace timbre {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Vector = std::vector<float>;

class Voices {
 public:
  explicit Voices(unsigned seed) : random_(seed) {}

  Vector next(std::size_t dim) {
    Vector vector(dim);
    for (float& x : vector) x = normal_(random_);
    return vector;
  }

 private:
  std::mt19937 random_;
  std::normal_distribution<float> normal_;
};

std::vector<Gallery::Key> keys(const Result<std::vector<Gallery::Match>>& matches) {
  std::vector<Gallery::Key> found;
  for (const auto& match : matches.value()) found.push_back(match.key);
  return found;
}

TEST(Gallery, FindsWhatSortingAllCosinesFinds) {
  constexpr std::size_t kDim = 192;
  Voices voices(1);
  Gallery gallery(kDim);
  std::vector<Vector> vectors;
  for (Gallery::Key key = 0; key < 1000; ++key) {
    vectors.push_back(voices.next(kDim));
    ASSERT_TRUE(gallery.put(key, vectors.back()));
  }
  const Vector query = voices.next(kDim);
  std::vector<Gallery::Key> expected(1000);
  for (Gallery::Key key = 0; key < 1000; ++key) expected[key] = key;
  std::sort(expected.begin(), expected.end(),
            [&](auto a, auto b) { return cosine(query, vectors[a]) > cosine(query, vectors[b]); });
  expected.resize(25);

  const auto found = gallery.top(query, 25);
  EXPECT_EQ(keys(found), expected);
  for (const auto& match : found.value()) EXPECT_NEAR(match.cosine, cosine(query, vectors[match.key]), 1e-6);
}

/// The nearest of vectors near a query and of others, by exact cosines.
class RoundedGallery : public testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Dimensions, RoundedGallery, testing::Values(1, 2, 7, 64, 192, 517, 1024));

TEST_P(RoundedGallery, FindsAllThatMayBeAmongTheNearest) {
  const std::size_t dim = GetParam();
  Voices voices(4);
  const Vector query = voices.next(dim);
  Gallery gallery(dim, Gallery::Rows::kBytes);
  std::vector<Vector> vectors;
  for (Gallery::Key key = 0; key < 3000; ++key) {
    Vector vector = voices.next(dim);
    // Every tenth is near it, by no more than rounding takes away from some.
    if (key % 10 == 0) {
      for (std::size_t i = 0; i < dim; ++i) vector[i] = query[i] + vector[i] * 0.02F;
    }
    ASSERT_TRUE(gallery.put(key, vector));
    vectors.push_back(std::move(vector));
  }
  std::vector<Gallery::Key> ranking(vectors.size());
  std::iota(ranking.begin(), ranking.end(), 0U);
  std::ranges::sort(ranking, std::greater(), [&](auto key) { return cosine(query, vectors[key]); });
  for (const std::size_t count : {1U, 10U, 400U, 3000U}) {
    const auto found = gallery.top(query, count);
    for (const auto& match : found.value()) {
      ASSERT_NEAR(match.cosine, cosine(query, vectors[match.key]), match.error);
      ASSERT_GT(match.error, 0);
    }
    EXPECT_THAT(keys(found), testing::IsSupersetOf(std::vector(ranking.begin(), ranking.begin() + count)));
  }
}

TEST(RoundedVoices, FindsFewBesideTheNearest) {
  Voices voices(5);
  Gallery gallery(192, Gallery::Rows::kBytes);
  for (Gallery::Key key = 0; key < 20'000; ++key) ASSERT_TRUE(gallery.put(key, voices.next(192)));
  for (int i = 0; i < 20; ++i) EXPECT_LE(gallery.top(voices.next(192), 10).value().size(), 60U);
}

/// What is true of vectors as they are, and of those that are rounded.
class EitherGallery : public testing::TestWithParam<Gallery::Rows> {};

INSTANTIATE_TEST_SUITE_P(Rows, EitherGallery, testing::Values(Gallery::Rows::kFloats, Gallery::Rows::kBytes));

TEST_P(EitherGallery, RanksEqualVectorsByKey) {
  Gallery gallery(2, GetParam());
  for (const Gallery::Key key : {7U, 3U, 5U, 1U}) ASSERT_TRUE(gallery.put(key, Vector{1, 1}));
  // All of them may be among the nearest where what was rounded away is not known.
  const auto found = keys(gallery.top(Vector{2, 2}, 3));
  if (GetParam() == Gallery::Rows::kBytes) {
    EXPECT_THAT(found, ElementsAre(1, 3, 5, 7));
  } else {
    EXPECT_THAT(found, ElementsAre(1, 3, 5));
  }
}

TEST_P(EitherGallery, LooksOnlyAtCandidatesOfThoseThatAreThere) {
  Gallery gallery(2, GetParam());
  ASSERT_TRUE(gallery.put(1, Vector{1, 0}));
  ASSERT_TRUE(gallery.put(2, Vector{1, 0.1F}));
  ASSERT_TRUE(gallery.put(3, Vector{0, 1}));
  const std::vector<Gallery::Key> candidates{3, 2, 2, 99};
  EXPECT_THAT(keys(gallery.top(Vector{1, 0}, 10, candidates)), ElementsAre(2, 3));
  EXPECT_THAT(keys(gallery.top(Vector{1, 0}, 10, std::vector<Gallery::Key>{})), IsEmpty());
}

TEST_P(EitherGallery, GivesNoMoreThanThereIs) {
  Gallery gallery(2, GetParam());
  EXPECT_THAT(keys(gallery.top(Vector{1, 0}, 5)), IsEmpty());
  ASSERT_TRUE(gallery.put(1, Vector{1, 0}));
  EXPECT_THAT(keys(gallery.top(Vector{1, 0}, std::numeric_limits<std::size_t>::max())), ElementsAre(1));
  EXPECT_THAT(keys(gallery.top(Vector{1, 0}, 0)), IsEmpty());
}

TEST(Gallery, KeepsUnitVectorsAndReplacesThem) {
  Gallery gallery(2);
  ASSERT_TRUE(gallery.put(1, Vector{3, 4}));
  EXPECT_THAT(*gallery.get(1), ElementsAre(0.6F, 0.8F));
  ASSERT_TRUE(gallery.put(1, Vector{0, -2}));
  EXPECT_THAT(*gallery.get(1), ElementsAre(0, -1));
  EXPECT_EQ(gallery.size(), 1U);
  EXPECT_FALSE(gallery.get(2));
}

TEST_P(EitherGallery, RefusesVectorsWithoutADirection) {
  Gallery gallery(2, GetParam());
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Vector& vector :
       {Vector{1}, Vector{1, 2, 3}, Vector{0, 0}, Vector{std::nanf(""), 1}, Vector{infinity, 1}}) {
    EXPECT_EQ(gallery.put(1, vector).error().code, ErrorCode::INVALID_ARGUMENT);
    EXPECT_EQ(gallery.top(vector, 1).error().code, ErrorCode::INVALID_ARGUMENT);
  }
  EXPECT_EQ(gallery.size(), 0U);
}

TEST_P(EitherGallery, HoldsWhatRandomChangesLeave) {
  constexpr std::size_t kDim = 8;
  Voices voices(2);
  std::mt19937 random(3);
  Gallery gallery(kDim, GetParam());
  std::map<Gallery::Key, Vector> expected;
  for (int step = 0; step < 20'000; ++step) {
    const Gallery::Key key = random() % 900;
    if (random() % 2 == 0) {
      EXPECT_EQ(gallery.remove(key), expected.erase(key) == 1);
    } else {
      const Vector vector = voices.next(kDim);
      ASSERT_TRUE(gallery.put(key, vector));
      expected[key] = vector;
    }
  }
  ASSERT_EQ(gallery.size(), expected.size());
  std::vector<Gallery::Key> all;
  for (const auto& [key, vector] : expected) {
    all.push_back(key);
    EXPECT_NEAR(cosine(*gallery.get(key), vector), 1, GetParam() == Gallery::Rows::kBytes ? 1e-4 : 1e-6);
    EXPECT_EQ(gallery.top(vector, 1).value().front().key, key);
  }
  auto found = keys(gallery.top(voices.next(kDim), 1000));
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, all);
}

TEST_P(EitherGallery, SearchesSeeWholeVectorsWhileOthersChangeThem) {
  constexpr std::size_t kDim = 64;
  Gallery gallery(kDim, GetParam());
  const Vector forward(kDim, 1);
  const Vector backward(kDim, -1);
  for (Gallery::Key key = 0; key < 600; ++key) ASSERT_TRUE(gallery.put(key, forward));
  std::atomic<bool> searching = true;
  std::thread writer([&] {
    for (Gallery::Key step = 0; searching; ++step) {
      const Gallery::Key key = step % 600;
      EXPECT_TRUE(gallery.put(key, step % 2 == 0 ? backward : forward));
      if (step % 7 == 0) {
        EXPECT_TRUE(gallery.remove(key));
        EXPECT_TRUE(gallery.put(key, forward));
      }
    }
  });
  for (int i = 0; i < 200; ++i) {
    const auto found = gallery.top(forward, 600);
    EXPECT_GE(found.value().size(), 599U);
    for (const auto& match : found.value()) EXPECT_NEAR(std::abs(match.cosine), 1, 1e-6);
  }
  searching = false;
  writer.join();
}

}  // namespace
}  // namespace timbre
