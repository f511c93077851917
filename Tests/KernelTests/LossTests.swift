import CKernels
import Glibc
import InferenceRuntime
import Testing

@Suite("Losses, vectors, the optimizer, threads and formats")
struct LossTests {
    @Test("cross-entropy, its gradient, ignored rows", arguments: [3, 16, 1001])
    func crossEntropy(vocabulary: Int) {
        var random = SplitMix64(state: 1)
        let context = context(.fp32, threads: 2)
        let start = random.array(6 * vocabulary, scale: 20)
        let targets: [Int32] = [0, -100, Int32(vocabulary - 1), 1, Int32(vocabulary), 2]
        let weights: [Float] = [1, 1, 0.5, 1, 1, 2]
        var logits = start
        var loss = [Float](repeating: .nan, count: 6)
        var correct = [UInt8](repeating: 9, count: 6)
        CrossEntropy.forwardBackward(
            &logits,
            rows: 6,
            vocabulary: vocabulary,
            stride: vocabulary,
            targets: targets,
            weights: weights,
            gradient: .inPlace(scale: 0.25),
            loss: &loss,
            correct: &correct,
            context
        )
        for row in 0..<6 {
            let x = start[row * vocabulary..<(row + 1) * vocabulary].map(Double.init)
            let got = logits[row * vocabulary..<(row + 1) * vocabulary]
            guard targets[row] >= 0, targets[row] < vocabulary else {
                #expect(loss[row] == 0 && correct[row] == 0 && got.allSatisfy { $0 == 0 })
                continue
            }
            let greatest = x.max() ?? 0
            let lse = greatest + log(x.reduce(0) { $0 + exp($1 - greatest) })
            let target = Int(targets[row])
            #expect(abs(Double(loss[row]) - (lse - x[target])) < 1e-5)
            #expect(correct[row] == (x[target] == greatest ? 1 : 0))
            for (i, d) in got.enumerated() {
                let hit = i == target ? 1.0 : 0
                let expected = (exp(x[i] - lse) - hit) * Double(weights[row]) * 0.25
                #expect(abs(Double(d) - expected) < 2e-6)
            }
        }
    }

    @Test("softmax, logsumexp and argmax meet hostile rows")
    func softmax() {
        let inf = Float.infinity
        #expect(Softmax.logSumExp([1000, 1000], count: 2) == 1000 + Float(log(2.0)))
        #expect(Softmax.logSumExp([-inf, -inf], count: 2) == -inf)
        #expect(Softmax.logSumExp([inf, 0], count: 2) == inf)
        var out: [Float] = [0, 0, 0]
        Softmax.apply([0, -inf, 0], count: 3, into: &out)
        #expect(out == [0.5, 0, 0.5])
        #expect(fk_argmax([.nan, 1, 3, 3, .nan], 5) == 2)
        #expect(fk_argmax([.nan], 1) == 0)
        #expect(fk_argmax([-inf, -inf], 2) == 0)
    }

    @Test("AdamW follows torch's formula in doubles")
    func adamW() {
        var random = SplitMix64(state: 2)
        let gradient = random.array(100), start = random.array(100)
        var p = start, m = [Float](repeating: 0, count: 100), v = m
        var dp = start.map(Double.init), dm = [Double](repeating: 0, count: 100), dv = dm
        let adam = AdamW(learningRate: 1e-2, weightDecay: 0.1)
        for step in 1...5 {
            adam.update(
                step: step,
                gradient: gradient,
                gradientScale: 0.5,
                count: 100,
                parameter: &p,
                firstMoment: &m,
                secondMoment: &v
            )
            for i in 0..<100 {
                let g = Double(gradient[i]) * 0.5
                dp[i] *= 1 - 1e-2 * 0.1
                dm[i] += (g - dm[i]) * 0.1
                dv[i] = 0.999 * dv[i] + 0.001 * g * g
                let denominator = dv[i].squareRoot() / (1 - pow(0.999, Double(step))).squareRoot()
                dp[i] -= 1e-2 / (1 - pow(0.9, Double(step))) * dm[i] / (denominator + 1e-8)
            }
        }
        #expect(error(p, dp) < 1e-6)
    }

    @Test("sums have one order on every instruction set", arguments: [0, 1, 7, 8, 1000])
    func sums(count: Int) {
        var random = SplitMix64(state: 3)
        let x = random.array(count), y = random.array(count)
        let expected = zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        let got = Vector.dot(x, y, count: count)
        #expect(abs(got - expected) < 1e-12 * Double(max(count, 1)))
        onEveryInstructionSet { _ in #expect(Vector.dot(x, y, count: count) == got) }
    }

    @Test("every half converts exactly both ways on every instruction set")
    func halves() {
        let all = (0...UInt16.max).map { $0 }
        onEveryInstructionSet { _ in
            var wide = [Float](repeating: 0, count: all.count), back = all.map { _ in UInt16(0) }
            FloatFormat.f16.decode(all, count: all.count, into: &wide)
            FloatFormat.f16.encode(wide, count: wide.count, into: &back)
            let wrong = zip(all, wide).filter { half, value in
                let expected = Float(Float16(bitPattern: half))
                return value != expected && !(value.isNaN && expected.isNaN)
            }
            #expect(wrong.isEmpty)
            #expect(zip(all, back).allSatisfy { $0 == $1 || Float16(bitPattern: $0).isNaN })
            var random = SplitMix64(state: 4)
            let x = (0..<20_001).map { _ in
                Float(bitPattern: UInt32(random.next() >> 34) + 0x3000_0000) * random.uniform()
            }
            var halves = [UInt16](repeating: 0, count: x.count)
            FloatFormat.f16.encode(x, count: x.count, into: &halves)
            #expect(zip(x, halves).allSatisfy { Float16($0).bitPattern == $1 })
        }
    }

    @Test("a pool runs every index once, also from idle, with any number of threads")
    func pool() {
        for threads in [1, 2, 4] {
            let pool = ThreadPool(threads: threads)
            for count in [0, 1, 2, 100, 1000] {
                let hits = AlignedBuffer<UInt32>(count: count)
                let base = hits.baseAddress
                pool.parallel(count) { base[$0] += 1 }
                #expect((0..<count).allSatisfy { hits[$0] == 1 })
            }
            usleep(2000)
            let hits = AlignedBuffer<UInt32>(count: 50)
            let base = hits.baseAddress
            pool.parallel(50) { base[$0] += 1 }
            #expect((0..<50).allSatisfy { hits[$0] == 1 })
        }
    }

    @Test("buffers are aligned and zeroed", arguments: [0, 1, 63, 5 << 20])
    func buffers(count: Int) {
        let buffer = AlignedBuffer<UInt8>(count: count)
        #expect(Int(bitPattern: buffer.baseAddress) % 64 == 0 && buffer.count == count)
        #expect(buffer.elements.prefix(1000).allSatisfy { $0 == 0 })
    }
}
