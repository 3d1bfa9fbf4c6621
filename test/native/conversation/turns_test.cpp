#include "conversation/turns.h"

#include <gtest/gtest.h>

#include "conversation/segmentation_network.h"

namespace timbre::conversation {
namespace {

constexpr double kFrame = 270.0 / 16000;
constexpr double kEnd = 1000;

/// Seconds at which a frame begins.
double edge(double frame) { return 495.0 / 16000 + (frame - 0.5) * kFrame; }

void add(TurnMaker& maker, int frames, double expected, const std::vector<double>& scores) {
  for (int i = 0; i < frames; ++i) maker.add(expected, scores);
}

TEST(TurnMaker, GivesAFrameToThoseWithTheHighestScores) {
  TurnMaker maker(3, Recipe());
  add(maker, 100, 1, {0.1, 0.7, 0.2});
  add(maker, 100, 2, {0.9, 0.1, 0.8});
  const auto turns = maker.finish(kEnd);
  ASSERT_EQ(turns.size(), 3U);
  EXPECT_EQ(turns[0].speaker, 1U);
  EXPECT_DOUBLE_EQ(turns[0].start, edge(0));
  EXPECT_DOUBLE_EQ(turns[0].end, edge(100));
  EXPECT_EQ(turns[1].speaker + turns[2].speaker, 2U);
  EXPECT_DOUBLE_EQ(turns[1].start, edge(100));
  EXPECT_DOUBLE_EQ(turns[2].end, edge(200));
  EXPECT_NEAR(turns[1].overlap, 100 * kFrame, 1e-9);
  EXPECT_DOUBLE_EQ(turns[0].overlap, 0);
}

TEST(TurnMaker, RoundsTheExpectedNumberOfSpeakers) {
  TurnMaker maker(2, Recipe());
  add(maker, 50, 0.49, {1, 0});
  add(maker, 50, 0.5, {1, 0});
  add(maker, 50, 1.5, {1, 0});
  const auto turns = maker.finish(kEnd);
  ASSERT_EQ(turns.size(), 2U);
  EXPECT_DOUBLE_EQ(turns[0].start, edge(50));
  EXPECT_DOUBLE_EQ(turns[1].start, edge(100));
}

TEST(TurnMaker, ClosesShortPausesAndKeepsLongOnes) {
  TurnMaker maker(1, Recipe());
  add(maker, 30, 1, {1});
  add(maker, 17, 0, {1});  // 0.287 s
  add(maker, 30, 1, {1});
  add(maker, 18, 0, {1});  // 0.304 s
  add(maker, 30, 1, {1});
  const auto turns = maker.finish(kEnd);
  ASSERT_EQ(turns.size(), 2U);
  EXPECT_DOUBLE_EQ(turns[0].end, edge(77));
  EXPECT_DOUBLE_EQ(turns[1].start, edge(95));
}

TEST(TurnMaker, LeavesOutShortTurns) {
  TurnMaker maker(1, Recipe());
  add(maker, 5, 1, {1});  // 0.084 s
  add(maker, 50, 0, {1});
  add(maker, 6, 1, {1});  // 0.101 s
  const auto turns = maker.finish(kEnd);
  ASSERT_EQ(turns.size(), 1U);
  EXPECT_DOUBLE_EQ(turns[0].start, edge(55));
}

TEST(TurnMaker, EndsWithTheRecording) {
  TurnMaker maker(1, Recipe());
  add(maker, 100, 1, {1});
  const auto turns = maker.finish(1.5);
  ASSERT_EQ(turns.size(), 1U);
  EXPECT_DOUBLE_EQ(turns[0].end, 1.5);
  TurnMaker late(1, Recipe());
  add(late, 60, 0, {1});
  add(late, 60, 1, {1});
  EXPECT_TRUE(late.finish(1.0).empty());
}

TEST(TurnMaker, CountsOverlapOnceHoweverManySpeak) {
  TurnMaker maker(3, Recipe());
  add(maker, 100, 1, {1, 0, 0});
  add(maker, 50, 3, {1, 1, 1});
  add(maker, 50, 2, {1, 0.5, 0});
  const auto turns = maker.finish(kEnd);
  ASSERT_EQ(turns.size(), 3U);
  EXPECT_EQ(turns[0].speaker, 0U);
  EXPECT_NEAR(turns[0].overlap, 100 * kFrame, 1e-9);
}

}  // namespace
}  // namespace timbre::conversation
