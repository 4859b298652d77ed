//! PNG, JPEG and WebP to shades of grey, with sizes checked before memory is taken.

use std::io::Cursor;

use image_webp::WebPDecoder;
use png::{Limits, Transformations};
use zeroize::Zeroizing;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::grey::Grey;
use crate::{MAX_PIXELS, QrError};

/// A progressive JPEG of an honest camera has about ten; each costs a pass over everything.
const MAX_SCANS: usize = 64;
/// What a decoder may take for itself. Its output is ours.
const MAX_WORKING_BYTES: usize = 4 * MAX_PIXELS;

/// How a picture is packed.
#[derive(Clone, Copy)]
pub(crate) enum Format {
    Png,
    Jpeg,
    Webp,
}

/// The format that these bytes begin as.
pub(crate) fn format(bytes: &[u8]) -> Option<Format> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
        [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
        // The length in between has a zero byte in every file of a size that is read here.
        [b'R', b'I', b'F', b'F', _, _, _, 0, b'W', b'E', b'B', b'P', ..] => Some(Format::Webp),
        _ => None,
    }
}

/// The picture in these bytes; of several, the first.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Grey, QrError> {
    match format(bytes).ok_or(QrError::UnknownFormat)? {
        Format::Png => png(bytes),
        Format::Jpeg => jpeg(bytes),
        Format::Webp => webp(bytes),
    }
}

fn png(bytes: &[u8]) -> Result<Grey, QrError> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_WORKING_BYTES });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = checked_size(header.width, header.height)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    let mut unpacked = Zeroizing::new(vec![0; reader.output_buffer_size().ok_or(QrError::TooManyPixels)?]);
    reader.next_frame(&mut unpacked).map_err(damaged)?;
    grey(width, height, &unpacked)
}

fn jpeg(bytes: &[u8]) -> Result<Grey, QrError> {
    let options = DecoderOptions::default().set_max_width(MAX_PIXELS).set_max_height(MAX_PIXELS);
    let options = options.jpeg_set_max_scans(MAX_SCANS).jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info().ok_or(QrError::Damaged)?;
    let (width, height) = checked_size(info.width.into(), info.height.into())?;
    if !matches!(decoder.input_colorspace(), Some(ColorSpace::YCbCr | ColorSpace::Luma)) {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::RGB));
    }
    let mut unpacked = Zeroizing::new(vec![0; decoder.output_buffer_size().ok_or(QrError::Damaged)?]);
    decoder.decode_into(&mut unpacked).map_err(damaged)?;
    grey(width, height, &unpacked)
}

fn webp(bytes: &[u8]) -> Result<Grey, QrError> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    decoder.set_memory_limit(MAX_WORKING_BYTES);
    let (width, height) = decoder.dimensions();
    let (width, height) = checked_size(width, height)?;
    let mut unpacked = Zeroizing::new(vec![0; decoder.output_buffer_size().ok_or(QrError::TooManyPixels)?]);
    decoder.read_image(&mut unpacked).map_err(damaged)?;
    grey(width, height, &unpacked)
}

fn checked_size(width: u32, height: u32) -> Result<(usize, usize), QrError> {
    let (width, height) = (width as usize, height as usize);
    match width.checked_mul(height) {
        Some(0) => Err(QrError::Damaged),
        Some(pixels) if pixels <= MAX_PIXELS => Ok((width, height)),
        _ => Err(QrError::TooManyPixels),
    }
}

fn grey(width: usize, height: usize, unpacked: &[u8]) -> Result<Grey, QrError> {
    Grey::new(width, height, unpacked.len() / (width * height), unpacked).ok_or(QrError::Damaged)
}

/// A decoder's own words are about its format, and no help to a person.
fn damaged<E>(_: E) -> QrError {
    QrError::Damaged
}
