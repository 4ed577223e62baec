//! Pictures of small frames, and what is refused with words.

use causeway_core::dicom::picture::{PictureAnswer, PictureOrder};

use super::*;

mod packed;

fn order(rows: u32, columns: u32, bits: u32) -> PictureOrder {
    PictureOrder {
        transfer_syntax: "1.2.840.10008.1.2.1".to_owned(),
        rows,
        columns,
        samples: 1,
        planar: false,
        bits_allocated: bits,
        bits_stored: bits,
        signed: false,
        photometric: "MONOCHROME2".to_owned(),
        slope: 1.0,
        intercept: 0.0,
        window: None,
        within: None,
        jpeg: false,
    }
}

fn grey(order: &PictureOrder, frame: &[u8]) -> Vec<u8> {
    let png = picture(order, frame).expect("a picture");
    image::load_from_memory(&png).expect("a PNG").into_luma8().into_raw()
}

#[test]
fn a_window_shades_what_is_inside_and_cuts_the_rest() {
    let values: Vec<u8> = [0_u16, 1000, 1040, 1080, 4000].iter().flat_map(|value| value.to_le_bytes()).collect();
    let soft_tissue = PictureOrder { intercept: -1000.0, window: Some((40.0, 80.0)), ..order(1, 5, 16) };
    let shades = grey(&soft_tissue, &values);
    assert_eq!((shades[0], shades[3], shades[4]), (0, 255, 255));
    assert!((120..=136).contains(&shades[2]), "{shades:?}");
    let inverse = PictureOrder { photometric: "MONOCHROME1".to_owned(), ..soft_tissue };
    assert_eq!(grey(&inverse, &values)[0], 255);
    let everything = grey(&order(1, 5, 16), &values);
    assert_eq!((everything[0], everything[4]), (0, 255));
}

#[test]
fn signed_samples_of_twelve_bits_keep_their_sign() {
    let order = PictureOrder { signed: true, bits_stored: 12, window: Some((0.0, 8.0)), ..order(1, 3, 16) };
    // -1 in twelve bits, with the unused bits set or not.
    let shades = grey(&order, &[0xFF, 0x0F, 0x01, 0x00, 0x00, 0x08]);
    assert!(shades[2] == 0 && shades[0] < shades[1], "{shades:?}");
}

#[test]
fn packed_pixels_and_planes_are_the_pixels_they_were() {
    let rgb = PictureOrder { samples: 3, photometric: "RGB".to_owned(), planar: true, ..order(1, 2, 8) };
    let png = picture(&rgb, &[1, 2, 3, 4, 5, 6]).expect("a picture");
    assert_eq!(image::load_from_memory(&png).expect("a PNG").into_rgb8().into_raw(), [1, 3, 5, 2, 4, 6]);
    let mut packed = vec![2, 0, 0, 0, 64, 0, 0, 0, 66, 0, 0, 0];
    packed.resize(64, 0);
    packed.extend([253, 1, 3, 10, 20, 30, 40]);
    let sixteen = PictureOrder { transfer_syntax: "1.2.840.10008.1.2.5".to_owned(), ..order(2, 2, 16) };
    assert_eq!(grey(&sixteen, &packed), grey(&order(2, 2, 16), &[10, 1, 20, 1, 30, 1, 40, 1]));
    for end in 0..packed.len() {
        assert!(picture(&sixteen, &packed[..end]).is_err(), "{end}");
    }
}

#[test]
fn jpeg_is_read_and_written_and_small_pictures_fit_where_they_are_shown() {
    let values: Vec<u8> = (0..64 * 32).map(|place: u32| u8::try_from(place % 64 * 4).expect("small")).collect();
    let jpeg = picture(&PictureOrder { jpeg: true, ..order(32, 64, 8) }, &values).expect("a picture");
    let again = PictureOrder { transfer_syntax: "1.2.840.10008.1.2.4.50".to_owned(), ..order(32, 64, 8) };
    let shades = grey(&again, &jpeg);
    assert!(shades.iter().zip(&values).all(|(a, b)| a.abs_diff(*b) < 12));
    let small = picture(&PictureOrder { within: Some((16, 16)), ..order(32, 64, 8) }, &values).expect("a picture");
    let small = image::load_from_memory(&small).expect("a PNG");
    assert_eq!((small.width(), small.height()), (16, 8));
    assert!(picture(&PictureOrder { rows: 31, ..again }, &jpeg).is_err(), "another size than the header tells");
}

#[test]
fn what_is_not_shown_here_says_so_and_hostile_orders_are_refused() {
    let unsupported = |order: PictureOrder| matches!(picture(&order, &[0; 64]), Err(Fault::Unsupported(_)));
    let syntax = |uid: &str| PictureOrder { transfer_syntax: uid.to_owned(), ..order(4, 4, 8) };
    assert!(unsupported(syntax("1.2.840.10008.1.2.4.201")) && unsupported(syntax("1.3.6.1.4.1.5962.1")));
    assert!(unsupported(PictureOrder { photometric: "PALETTE COLOR".to_owned(), ..order(4, 4, 8) }));
    assert!(unsupported(PictureOrder { bits_allocated: 32, ..order(2, 2, 8) }));
    let broken = |order: PictureOrder| matches!(picture(&order, &[0; 64]), Err(Fault::Broken(_)));
    assert!(broken(order(u32::MAX, u32::MAX, 8)) && broken(order(9, 9, 8)) && broken(order(0, 0, 8)));
    for uid in [
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.5",
    ] {
        assert!(broken(syntax(uid)), "{uid}");
    }
}

#[test]
fn an_answer_that_cannot_be_made_is_words() {
    let answer = read(Limits::default(), &mut &[255, 255, 255, 255][..]).expect_err("too long").answer();
    assert_eq!(answer, PictureAnswer::Broken);
    assert!(read(Limits::default(), &mut &[2, 0, 0, 0, b'{', b'}'][..]).is_err());
}
