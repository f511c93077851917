import CKernels

/// Elementwise operations and sums in one fixed order.
public enum Vector {
    /// y += x.
    public static func add(
        _ x: UnsafePointer<Float>,
        count: Int,
        to y: UnsafeMutablePointer<Float>
    ) {
        fk_add(x, count, y)
    }

    /// Every row of y += bias.
    public static func add(
        bias: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        to y: UnsafeMutablePointer<Float>,
        stride: Int
    ) {
        fk_add_rows(bias, rows, columns, y, stride)
    }

    /// y += factor × x.
    public static func add(
        _ x: UnsafePointer<Float>,
        times factor: Float,
        count: Int,
        to y: UnsafeMutablePointer<Float>
    ) {
        fk_axpy(factor, x, count, y)
    }

    /// y *= factor.
    public static func scale(_ y: UnsafeMutablePointer<Float>, count: Int, by factor: Float) {
        fk_scale(factor, count, y)
    }

    /// y *= x.
    public static func multiply(
        _ y: UnsafeMutablePointer<Float>,
        count: Int,
        by x: UnsafePointer<Float>
    ) {
        fk_multiply(x, count, y)
    }

    /// Σ x y in double.
    public static func dot(
        _ x: UnsafePointer<Float>,
        _ y: UnsafePointer<Float>,
        count: Int
    ) -> Double {
        fk_dot(x, y, count)
    }

    /// Σ x² in double.
    public static func sumOfSquares(_ x: UnsafePointer<Float>, count: Int) -> Double {
        fk_dot(x, x, count)
    }
}
