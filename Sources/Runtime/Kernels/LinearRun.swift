import CKernels

/// Matrices that multiply one input in one run of the pool, each with the adapters on top of it.
///
/// 8-bit products; the bits are those of the matrices and adapters computed one after the other.
/// Kept and reused: nothing is allocated once it has grown.
struct LinearRun {
    private var matrices: [fk_tiled] = []
    private var parts: [fk_linear_part] = []

    /// Forgets the matrices.
    mutating func removeAll() {
        matrices.removeAll(keepingCapacity: true)
        parts.removeAll(keepingCapacity: true)
    }

    /// Adds y = x Wᵀ and, in order, the next `tasks` of the list that `run` is given.
    mutating func append(
        _ matrix: fk_tiled,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        tasks: Int
    ) {
        matrices.append(matrix)
        parts.append(fk_linear_part(w: nil, y: y, stride: stride, tasks: nil, task_count: tasks))
    }

    /// Computes all that was added; `t` holds what the tasks' offsets need.
    mutating func run(
        _ x: LinearInput,
        tasks: UnsafeBufferPointer<LoRATask>,
        lowRank t: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        precondition(context.dtype == .int8, "8-bit products")
        var next = UnsafeRawPointer(tasks.baseAddress)?.assumingMemoryBound(to: fk_lora.self)
        matrices.withUnsafeBufferPointer { matrices in
            for index in parts.indices {
                let (width, rows) = (matrices[index].columns, matrices[index].rows)
                precondition(
                    x.columns == width && parts[index].stride >= rows,
                    "shapes of a linear layer"
                )
                parts[index].w = matrices.baseAddress.map { $0 + index }
                parts[index].tasks = next
                next = next.map { $0 + parts[index].task_count }
            }
            fk_linear_i16_parts(context.pool.pool, parts, parts.count, &x.input, t)
        }
    }
}
