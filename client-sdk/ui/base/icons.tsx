import type { ComponentChildren } from "preact";

// Drawn for 24 x 24 with round strokes; a name for those who do not see them stands beside them, never in them.

const icon = (shape: ComponentChildren) =>
  function Icon() {
    return (
      <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        {shape}
      </svg>
    );
  };

export const BellIcon = icon(
  <>
    <path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15z" />
    <path d="M10 21.2a2.3 2.3 0 0 0 4 0M12 5V3" />
  </>,
);
export const SunIcon = icon(
  <>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 2.8v2M12 19.2v2M2.8 12h2M19.2 12h2M5.5 5.5l1.4 1.4M17.1 17.1l1.4 1.4M18.5 5.5l-1.4 1.4M6.9 17.1l-1.4 1.4" />
  </>,
);
export const MoonIcon = icon(<path d="M20 14.2A8.2 8.2 0 0 1 9.8 4a8.2 8.2 0 1 0 10.2 10.2z" />);
export const HalfIcon = icon(
  <>
    <circle cx="12" cy="12" r="8.2" />
    <path class="filled" d="M12 3.8a8.2 8.2 0 0 1 0 16.4z" />
  </>,
);
export const SearchIcon = icon(
  <>
    <circle cx="10.8" cy="10.8" r="6.3" />
    <path d="m15.6 15.6 4.6 4.6" />
  </>,
);
export const CloseIcon = icon(<path d="m6.5 6.5 11 11m0-11-11 11" />);
export const CheckIcon = icon(<path d="m5 12.8 4.4 4.4L19 7.4" />);
export const SmileIcon = icon(
  <>
    <path d="M14.6 4.4a8.2 8.2 0 1 0 5 5" />
    <path d="M8.7 14.3a4.3 4.3 0 0 0 6.6 0M9.2 10h.01M14.8 10h.01M19 2.6v5.2M16.4 5.2h5.2" />
  </>,
);
export const ReplyIcon = icon(<path d="M9.5 6 4.5 11l5 5M5 11h8.5a6 6 0 0 1 6 6v1.5" />);
export const PencilIcon = icon(
  <path d="m4.5 19.5.9-4L16.2 4.7a1.8 1.8 0 0 1 2.6 0l.5.5a1.8 1.8 0 0 1 0 2.6L8.5 18.6zM14 7l3 3" />,
);
export const TrashIcon = icon(<path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.9 12.5h9.2L17.5 7M10.3 10.8v5M13.7 10.8v5" />);
export const CommentIcon = icon(
  <path d="M5 4.8h14a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1-1.5 1.5h-7.5L7 20.5v-3.7H5a1.5 1.5 0 0 1-1.5-1.5v-9A1.5 1.5 0 0 1 5 4.8z" />,
);
export const AtIcon = icon(
  <>
    <circle cx="12" cy="12" r="3.6" />
    <path d="M15.6 8.4v5a2.4 2.4 0 0 0 4.8 0V12a8.4 8.4 0 1 0-3.3 6.7" />
  </>,
);
export const MegaphoneIcon = icon(<path d="M4.5 10v4l2.5.5 1.3 4.5h2.4l-1-4.1 8.8 2.6V6.5L7 9.5zM20.8 11v2" />);
export const PersonIcon = icon(
  <>
    <circle cx="12" cy="8.4" r="3.8" />
    <path d="M4.8 20c.8-3.6 3.6-5.4 7.2-5.4s6.4 1.800 7.200 5.400" />
  </>,
);
