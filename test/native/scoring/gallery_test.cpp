#include "scoring/gallery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
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

TEST(Gallery, RanksEqualVectorsByKey) {
  Gallery gallery(2);
  for (const Gallery::Key key : {7U, 3U, 5U, 1U}) ASSERT_TRUE(gallery.put(key, Vector{1, 1}));
  EXPECT_THAT(keys(gallery.top(Vector{2, 2}, 3)), ElementsAre(1, 3, 5));
}

TEST(Gallery, LooksOnlyAtCandidatesOfThoseThatAreThere) {
  Gallery gallery(2);
  ASSERT_TRUE(gallery.put(1, Vector{1, 0}));
  ASSERT_TRUE(gallery.put(2, Vector{1, 0.1F}));
  ASSERT_TRUE(gallery.put(3, Vector{0, 1}));
  const std::vector<Gallery::Key> candidates{3, 2, 2, 99};
  EXPECT_THAT(keys(gallery.top(Vector{1, 0}, 10, candidates)), ElementsAre(2, 3));
  EXPECT_THAT(keys(gallery.top(Vector{1, 0}, 10, std::vector<Gallery::Key>{})), IsEmpty());
}

TEST(Gallery, GivesNoMoreThanThereIs) {
  Gallery gallery(2);
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

TEST(Gallery, RefusesVectorsWithoutADirection) {
  Gallery gallery(2);
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Vector& vector :
       {Vector{1}, Vector{1, 2, 3}, Vector{0, 0}, Vector{std::nanf(""), 1}, Vector{infinity, 1}}) {
    EXPECT_EQ(gallery.put(1, vector).error().code, ErrorCode::INVALID_ARGUMENT);
    EXPECT_EQ(gallery.top(vector, 1).error().code, ErrorCode::INVALID_ARGUMENT);
  }
  EXPECT_EQ(gallery.size(), 0U);
}

TEST(Gallery, HoldsWhatRandomChangesLeave) {
  constexpr std::size_t kDim = 8;
  Voices voices(2);
  std::mt19937 random(3);
  Gallery gallery(kDim);
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
    EXPECT_NEAR(cosine(*gallery.get(key), vector), 1, 1e-6);
    EXPECT_EQ(gallery.top(vector, 1).value().front().key, key);
  }
  auto found = keys(gallery.top(voices.next(kDim), 1000));
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, all);
}

TEST(Gallery, SearchesSeeWholeVectorsWhileOthersChangeThem) {
  constexpr std::size_t kDim = 64;
  Gallery gallery(kDim);
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
