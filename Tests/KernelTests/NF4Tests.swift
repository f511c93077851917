import Foundation
import InferenceRuntime
import Testing

/// What `Tests/Fixtures/nf4/make.py` recorded of bitsandbytes.
struct NF4Fixture: Decodable {
    struct Case: Decodable {
        var format: String, count: Int
        var input: String, codes: String, absmax: String
        var first_codes: [UInt8], first_absmax_bits: [UInt32]
    }
    var cases: [String: Case]
    var dynamic_map_bits: [UInt32]

    static let shared: NF4Fixture? = {
        var parts = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        parts = "/" + parts + "/Fixtures/nf4/nf4.json"
        guard let data = FileManager.default.contents(atPath: parts) else { return nil }
        return try? JSONDecoder().decode(NF4Fixture.self, from: data)
    }()
}

/// The inputs of the fixture, made anew.
enum NF4Inputs {
    static let bounds: [UInt32] = [
        0xbf59_1cd8, 0xbf1c_5270, 0xbeeb_8480, 0xbead_ea76, 0xbe70_3cec, 0xbe0d_38bc, 0xbd3a_7871,
        0x3d22_faff, 0x3df6_4862, 0x3e50_67e0, 0x3e95_82d4, 0x3ec7_53f9, 0x3f00_6d04, 0x3f24_8daf,
        0x3f5c_89da,
    ]

    static func make(_ name: String, count: Int) -> [Float]? {
        switch name {
        case "bell": bell(1, count)
        case "bf16": bell(8, count)
        case "f16": bell(9, count)
        case "uniform": uniform(2, count)
        case "odd_tail": uniform(4, count)
        case "one": uniform(6, count)
        case "zero_tail": uniform(7, 64) + [0, 0, 0]
        case "boundaries": boundaries(count)
        case "scaled_boundaries": scaledBoundaries(count)
        case "raw_bits": rawBits(count)
        case "zeros_and_tiny": zerosAndTiny(count)
        default: nil
        }
    }

    static func uniform(_ seed: UInt64, _ count: Int) -> [Float] {
        var random = SplitMix64(state: seed)
        return random.array(count)
    }

    static func bell(_ seed: UInt64, _ count: Int) -> [Float] {
        var random = SplitMix64(state: seed)
        return (0..<count).map { _ in
            let (a, b) = (random.uniform(), random.uniform())
            let (c, d) = (random.uniform(), random.uniform())
            return (((a + b) + c) + d) * 0.02
        }
    }

    static func boundaries(_ count: Int) -> [Float] {
        (0..<count).map { i in
            let scale = Float(sign: .plus, exponent: i / 64 % 40 - 20, significand: 1)
            let bits = bounds[(i + i / 64) % 15] + UInt32((i * 7 + i / 64) % 5) - 2
            return (i % 64 == 0 ? 1 : Float(bitPattern: bits)) * scale
        }
    }

    static func scaledBoundaries(_ count: Int) -> [Float] {
        let factors = uniform(77, count / 64 + 1)
        return (0..<count).map { i in
            let factor = factors[i / 64] + 1.5
            if i % 64 == 0 { return -factor }
            let x = Float(bitPattern: bounds[(i + i / 64) % 15]) * factor
            return Float(bitPattern: x.bitPattern + UInt32((i * 11 + i / 64) % 5) - 2)
        }
    }

    static func rawBits(_ count: Int) -> [Float] {
        var random = SplitMix64(state: 3)
        return (0..<count).map { _ in
            let bits = UInt32(random.next() >> 32)
            return Float(bitPattern: bits & 0x7f80_0000 == 0x7f80_0000 ? bits & 0x807f_ffff : bits)
        }
    }

    static func zerosAndTiny(_ count: Int) -> [Float] {
        let x = uniform(5, count)
        return (0..<count).map { i in
            switch i / 64 % 4 {
            case 0: 0
            case 1: x[i] * 1e-38 * 1e-3
            case 2: x[i] * 3e-38
            default: x[i]
            }
        }
    }
}

@Suite("NF4")
struct NF4Tests {
    @Test(
        "codes and scales equal bitsandbytes' bit for bit",
        arguments: [
            "bell", "uniform", "boundaries", "scaled_boundaries", "raw_bits", "zeros_and_tiny",
            "odd_tail", "one", "zero_tail", "bf16", "f16",
        ]
    )
    func quantization(name: String) throws {
        let expected = try #require(NF4Fixture.shared?.cases[name])
        let values = try #require(NF4Inputs.make(name, count: expected.count))
        #expect(sha256(values) == expected.input, "the inputs agree")
        let format: FloatFormat = expected.format == "f32" ? .f32 : name == "f16" ? .f16 : .bf16
        var source = [UInt8](repeating: 0, count: values.count * format.width)
        source.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            format.encode(values, count: values.count, into: base)
        }
        let pool = ThreadPool(threads: 2)
        let got = source.withUnsafeBytes { NF4.quantize($0, format: format, pool: pool) }
        #expect(Array(got.codes.prefix(32)) == expected.first_codes)
        #expect(bits(Array(got.absmax.prefix(4))) == expected.first_absmax_bits)
        #expect(sha256(got.codes) == expected.codes)
        #expect(sha256(got.absmax) == expected.absmax)
    }

    @Test("the nested map equals bitsandbytes' and survives encoding within one step")
    func nested() throws {
        #expect(bits(NF4.dynamicMap) == NF4Fixture.shared?.dynamic_map_bits)
        let values = NF4Inputs.uniform(12, 1000).map { abs($0) + 0.1 }
        let nested = NF4.NestedAbsmax(encoding: values)
        let decoded = nested.decoded()
        let scale = nested.absmax.max() ?? 0
        for (a, b) in zip(values, decoded) { #expect(abs(a - b) <= scale * 0.008) }
        #expect(
            NF4.NestedAbsmax(codes: [1], absmax: [], map: NF4.dynamicMap, offset: 0, blockSize: 256)
                == nil
        )
    }

    @Test("NaN and infinity do not crash quantization")
    func hostile() {
        let values: [Float] = [.nan, .infinity, -.infinity, 1] + NF4Inputs.uniform(1, 131)
        let pool = ThreadPool(threads: 1)
        let got = values.withUnsafeBytes { NF4.quantize($0, format: .f32, pool: pool) }
        #expect(got.codes.count == 68)
        let empty = NF4.quantize(
            UnsafeRawBufferPointer(start: nil, count: 0),
            format: .f32,
            pool: pool
        )
        #expect(empty.codes.isEmpty && empty.absmax.isEmpty)
    }

    @Test("tiles give back what they were made of", arguments: matrixCases, [32, 64, 128])
    func layout(shape: MatrixCase, blockSize: Int) throws {
        var random = SplitMix64(state: 9)
        let pool = ThreadPool(threads: 2)
        let count = shape.rows * shape.columns
        let values = random.array(count)
        let flat = values.withUnsafeBytes {
            NF4.quantize($0, format: .f32, blockSize: blockSize, pool: pool)
        }
        let matrix = flat.codes.withUnsafeBytes { codes in
            flat.absmax.withUnsafeBufferPointer {
                NF4Matrix(
                    codes: codes,
                    absmax: $0,
                    rows: shape.rows,
                    columns: shape.columns,
                    blockSize: blockSize,
                    pool: pool
                )
            }
        }
        let back = matrix.bitsandbytesLayout()
        #expect(back.codes == flat.codes)
        #expect(bits(back.absmax) == bits(flat.absmax))
        var out = [Float](repeating: 0, count: count)
        matrix.dequantize(into: &out, pool: pool)
        #expect(bits(out) == bits(NF4.dequantize(flat, count: count, blockSize: blockSize)))
        let mapped = try #require(
            NF4Matrix(
                storage: matrix.storage,
                owner: matrix,
                rows: shape.rows,
                columns: shape.columns,
                blockSize: blockSize
            )
        )
        #expect(mapped.bitsandbytesLayout().codes == flat.codes)
        #expect(
            NF4Matrix(
                storage: UnsafeRawBufferPointer(rebasing: matrix.storage.dropLast()),
                owner: matrix,
                rows: shape.rows,
                columns: shape.columns,
                blockSize: blockSize
            ) == nil
        )
    }
}
