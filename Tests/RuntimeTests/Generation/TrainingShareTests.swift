import Testing

@testable import InferenceRuntime

/// One stream of answers beside one job, in time that passes only by steps and pieces.
@Suite("Training's share beside requests")
struct TrainingShareTests {
    /// What the stream and the job got.
    struct Outcome {
        /// Between two tokens, in milliseconds, sorted.
        var gaps: [Double] = []
        /// Training's share of the time.
        var share = 0.0

        func gap(_ quantile: Double) -> Double { gaps[Int(quantile * Double(gaps.count - 1))] }
    }

    func run(_ priority: TrainingPriority, step: Double, pieces: [Double]) -> Outcome {
        func duration(_ milliseconds: Double) -> Duration { .microseconds(milliseconds * 1000) }
        var share = TrainingShare(priority)
        var outcome = Outcome()
        var (trained, piece) = (0.0, 0)
        for piece in pieces {
            share.countPiece(duration(piece), isBesideRequests: false)
        }
        for _ in 0..<5000 {
            share.countStep(duration(step), isDecoding: true)
            var gap = step
            while share.isDue {
                let time = pieces[piece % pieces.count]
                piece += 1
                share.countPiece(duration(time), isBesideRequests: true)
                gap += time
                trained += time
            }
            outcome.gaps.append(gap)
        }
        outcome.share = trained / outcome.gaps.reduce(0, +)
        outcome.gaps.sort()
        return outcome
    }

    @Test("small pieces fill its share, and no token takes half as long again but for a piece")
    func smallPieces() {
        let outcome = run(TrainingPriority(), step: 10, pieces: [1, 0.2, 1.5, 0.6])
        #expect(outcome.gap(0.99) <= 15)
        #expect(outcome.gap(1) <= 16)
        #expect((0.28...0.32).contains(outcome.share))
    }

    @Test("the optimizer's long step among short pieces does not make the next ones rare")
    func oneLongPiece() {
        let pieces = [Double](repeating: 0.5, count: 600) + [15]
        let outcome = run(TrainingPriority(), step: 3, pieces: pieces)
        #expect(outcome.gap(0.99) <= 4.6)
        #expect((0.28...0.32).contains(outcome.share))
    }

    @Test("pieces that take longer than a token may wait come at every hundredth token at most")
    func longPieces() {
        let outcome = run(TrainingPriority(), step: 10, pieces: [60])
        #expect(outcome.gap(0.985) == 10)
        #expect((0.01...0.025).contains(outcome.share))
    }

    @Test("a latency target makes room for long pieces, and keeps the share")
    func latencyTarget() {
        let priority = TrainingPriority(share: 0.5, latencyTarget: .milliseconds(80))
        let outcome = run(priority, step: 10, pieces: [30, 50, 10])
        #expect(outcome.gap(1) <= 110)
        #expect(outcome.gap(0.9) <= 80)
        #expect((0.45...0.55).contains(outcome.share))
    }

    @Test("a share of 1 fills the target, a share of 0 takes nothing from requests")
    func extremes() {
        let all = TrainingPriority(share: 1, latencyTarget: .milliseconds(50))
        #expect((0.75...0.82).contains(run(all, step: 10, pieces: [1]).share))
        #expect(run(TrainingPriority(share: 0), step: 10, pieces: [1]).share == 0)
    }
}
