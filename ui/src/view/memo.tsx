import { Component, type ComponentType } from "preact";

// memo keeps a view as it is until one of its properties is another value.
export function memo<P extends object>(View: ComponentType<P>): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const keys = Object.keys({ ...next, ...this.props }) as (keyof P)[];
      return keys.some((key) => next[key] !== this.props[key]);
    }
    override render() {
      return <View {...this.props} />;
    }
  };
}
