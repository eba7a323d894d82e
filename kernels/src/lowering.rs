//! Kernels as PTX, made without a GPU: what a test can read and interpret, and `ptxas` can judge.
//!
//! In:  a kernel with its problem, an architecture such as 80 or 90.
//! Out: the text that the CUDA runtime would hand to the driver, and what it would launch it with.

use std::ffi::CStr;
use std::sync::Arc;

use burn::tensor::{bf16, f16};
use cubecl::__private::Runtime;
use cubecl::cuda::CudaRuntime;
use cubecl::ir::features::Features;
use cubecl::ir::nvidia::SmArch;
use cubecl::ir::{DeviceIdentity, HardwareProperties, MemoryDeviceProperties};
use cubecl::prelude::*;
use cubecl::{Compiler, InfoBuilder, ScalarBuilder};
use cubecl_llvm::nvptx::ptx_version::PtxVersion;
use cubecl_llvm::{LlvmTarget, PlironArtifact, PlironCompiler, PlironOptions};

use crate::attention::cube::product;
pub use crate::attention::cube::{ProblemSizes, lowered as attention};

/// Driver version whose PTX is written: CUDA 12.8.
const DRIVER: i32 = 12_080;

/// One kernel, ready to launch.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// What it is.
    pub name: String,
    /// Its entry point.
    pub entry: String,
    /// Its text.
    pub ptx: String,
    /// Cubes of the launch.
    pub cubes: [u32; 3],
    /// Units of a cube.
    pub units: u32,
    /// Shared memory of a cube, in bytes.
    pub shared_bytes: usize,
    /// Scalars and lengths: passed by value after all buffers.
    pub info: Vec<u64>,
}

/// A kernel's text, its entry point and its shared memory in bytes.
pub(crate) fn lower(kernel: &impl CubeKernel, architecture: u32) -> Result<(String, String, usize), String> {
    let mut compiler = PlironCompiler { target: LlvmTarget::Nvptx };
    let options = PlironOptions {
        sm_arch: Some(SmArch::new(architecture, false)),
        ptx_version: PtxVersion::for_driver(DRIVER),
        // As the CUDA runtime compiles for every part since sm_70.
        grid_constants: true,
        ..Default::default()
    };
    match compiler.compile(kernel.define(), &options) {
        Ok(PlironArtifact::NvptxCode(module)) => {
            let bytes: Vec<u8> = module.ptx.iter().map(|character| *character as u8).collect();
            let text = CStr::from_bytes_until_nul(&bytes).map_err(|error| error.to_string())?;
            Ok((text.to_string_lossy().into_owned(), module.entrypoint, module.shared_memory_size))
        }
        Ok(_) => Err("the compiler gave something else than PTX".into()),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// How a kernel of so many units is compiled.
pub(crate) fn settings(units: u32) -> KernelSettings {
    KernelSettings::new(*CubeDim::new_1d(units), ExecutionMode::Unchecked, AddressType::U32)
}

/// What NVIDIA's parts tell the compiler about registers of tensor cores.
pub(crate) fn target() -> Arc<TargetProperties> {
    Arc::new(CudaRuntime::target_properties())
}

/// A device of Ampere's kind, as far as a kernel's text depends on it.
pub(crate) fn device() -> Arc<DeviceProperties> {
    let hardware = HardwareProperties {
        load_width: 128,
        vector_register_count: None,
        plane_size_min: 32,
        plane_size_max: 32,
        max_bindings: 32,
        max_shared_memory_size: 101_376,
        max_cube_count: (i32::MAX as u32, u32::from(u16::MAX), u32::from(u16::MAX)),
        max_units_per_cube: 1024,
        max_cube_dim: (1024, 1024, 64),
        num_streaming_multiprocessors: None,
        num_tensor_cores: None,
        min_tensor_cores_dim: None,
        num_cpu_cores: None,
        last_level_cache_size: None,
        max_vector_size: VectorSize::MAX,
        cube_mma_reserved_shared_memory: 0,
    };
    let mut properties = DeviceProperties::new(
        Features::default(),
        MemoryDeviceProperties::new(u64::MAX, 256),
        hardware,
        cubecl::profile::TimingMethod::Device,
        DeviceIdentity { name: "offline".into(), fingerprint: "offline".into(), physical: None },
    );
    for element in [bf16::cube_type(), f16::cube_type()] {
        properties.features.matmul.mma.insert(product(element));
        properties.features.matmul.ldmatrix.insert(element);
    }
    Arc::new(properties)
}

/// A buffer that is no other one's alias.
pub(crate) fn buffer() -> BufferCompilationArg {
    BufferCompilationArg { inplace: None }
}

/// What comes after the buffers of a launch: scalars by type, then the lengths of the buffers.
pub(crate) fn info(lengths: &[usize], scalars: impl FnOnce(&mut ScalarBuilder)) -> Vec<u64> {
    let mut builder = InfoBuilder::default();
    scalars(&mut builder.scalars);
    for length in lengths {
        builder.metadata.register_buffer(*length as u64, AddressType::U32);
    }
    builder.finish(AddressType::U32).data
}
