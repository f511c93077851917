import CKernels

@testable import InferenceRuntime

extension NF4Matrix {
    /// The packed nibbles and absmax values this matrix was made of.
    func bitsandbytesLayout() -> NF4.Codes {
        let count = rows * columns
        var result = NF4.Codes(
            codes: [UInt8](repeating: 0, count: (count + 1) / 2),
            absmax: [Float](repeating: 0, count: (count + blockSize - 1) / blockSize)
        )
        var matrix = tiled
        fk_nf4_unpack(&matrix, blockSize, &result.codes, &result.absmax)
        return result
    }
}
