//! The suite against `smallgate serve --image`, in real time: the setups as a
//! board gets them, and the cases as a board runs them.

smallgate_tests::suite!(smallgate_tests::packed::Packed);
