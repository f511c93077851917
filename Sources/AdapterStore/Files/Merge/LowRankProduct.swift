/// The product B A of two thin matrices, and its best approximation by thinner ones.
///
/// By orthogonal bases of both and Jacobi rotations of the small matrix between them, in fp64: the same
/// as the singular value decomposition of the whole product, without ever making it.
struct LowRankProduct {
    /// B's columns and A's rows, each as a vector.
    private var left: [[Double]], right: [[Double]]
    private let inputs: Int, outputs: Int

    /// - Parameters:
    ///   - a: [inner, inputs].
    ///   - b: [outputs, inner].
    init(a: [Float], b: [Float], inner: Int, _ inputs: Int, _ outputs: Int) {
        self.inputs = inputs
        self.outputs = outputs
        left = (0..<inner).map { column in (0..<outputs).map { Double(b[$0 * inner + column]) } }
        right = (0..<inner).map { row in (0..<inputs).map { Double(a[row * inputs + $0]) } }
    }

    /// B with the singular values [outputs, rank], A with orthonormal rows [rank, inputs].
    func truncated(to rank: Int) -> (a: [Float], b: [Float]) {
        let (leftBasis, leftRest) = Self.orthogonal(left)
        let (rightBasis, rightRest) = Self.orthogonal(right)
        let inner = left.count
        // Columns of Rₗ Rᵣᵀ.
        var columns = (0..<inner).map { column in
            (0..<inner).map { row in
                (0..<inner).reduce(0.0) { $0 + leftRest[$1][row] * rightRest[$1][column] }
            }
        }
        var rotations = (0..<inner).map { column in
            (0..<inner).map { $0 == column ? 1.0 : 0.0 }
        }
        Self.rotate(&columns, &rotations)
        let sizes = columns.map { Self.dot($0, $0).squareRoot() }
        let order = columns.indices.sorted { sizes[$0] > sizes[$1] }
        var a = [Float](repeating: 0, count: rank * inputs)
        var b = [Float](repeating: 0, count: outputs * rank)
        for (place, column) in order.prefix(rank).enumerated() {
            for (index, basis) in leftBasis.enumerated() {
                for row in 0..<outputs {
                    b[row * rank + place] += Float(basis[row] * columns[column][index])
                }
            }
            for (index, basis) in rightBasis.enumerated() {
                for row in 0..<inputs {
                    a[place * inputs + row] += Float(basis[row] * rotations[column][index])
                }
            }
        }
        return (a, b)
    }

    private static func dot(_ x: [Double], _ y: [Double]) -> Double {
        var sum = 0.0
        for index in x.indices { sum += x[index] * y[index] }
        return sum
    }

    /// Modified Gram–Schmidt, twice: vector j = Σ rest[j][i] × basis[i].
    private static func orthogonal(
        _ vectors: [[Double]]
    ) -> (basis: [[Double]], rest: [[Double]]) {
        var basis: [[Double]] = []
        var rest: [[Double]] = []
        for vector in vectors {
            var vector = vector
            var row = [Double](repeating: 0, count: vectors.count)
            let size = dot(vector, vector).squareRoot()
            for _ in 0..<2 {
                for (index, unit) in basis.enumerated() {
                    let part = dot(unit, vector)
                    row[index] += part
                    for place in vector.indices { vector[place] -= part * unit[place] }
                }
            }
            let left = dot(vector, vector).squareRoot()
            // What lies in the space of those before adds no direction.
            let isNew = left > size * 1e-12 && left > 0
            row[basis.count] = isNew ? left : 0
            basis.append(vector.map { isNew ? $0 / left : 0 })
            rest.append(row)
        }
        return (basis, rest)
    }

    /// One-sided Jacobi: columns become orthogonal, `rotations` what made them so.
    private static func rotate(_ columns: inout [[Double]], _ rotations: inout [[Double]]) {
        for _ in 0..<60 {
            var isDone = true
            for p in columns.indices {
                for q in columns.indices where q > p {
                    let (x, y) = (dot(columns[p], columns[p]), dot(columns[q], columns[q]))
                    let product = dot(columns[p], columns[q])
                    guard abs(product) > 1e-15 * (x * y).squareRoot(), product != 0 else {
                        continue
                    }
                    isDone = false
                    let ratio = (y - x) / (2 * product)
                    let sign: Double = ratio < 0 ? -1 : 1
                    let tangent = sign / (abs(ratio) + (1 + ratio * ratio).squareRoot())
                    let cosine = 1 / (1 + tangent * tangent).squareRoot()
                    turn(&columns, p, q, cosine, cosine * tangent)
                    turn(&rotations, p, q, cosine, cosine * tangent)
                }
            }
            if isDone { return }
        }
    }

    private static func turn(
        _ vectors: inout [[Double]],
        _ p: Int,
        _ q: Int,
        _ cosine: Double,
        _ sine: Double
    ) {
        for index in vectors[p].indices {
            let (x, y) = (vectors[p][index], vectors[q][index])
            vectors[p][index] = cosine * x - sine * y
            vectors[q][index] = sine * x + cosine * y
        }
    }
}
