/**
 * What news of resources and news of tasks are called on the wire of a modern backend; in all else they are listened to
 * alike (2026-07-28, basic/patterns/subscriptions; tasks extension: status notifications).
 */
import { emptyObject, parseObject, quote, type Raw, type RawObject, taskIn, taskTopic } from "../protocol/index.ts";
import type { South } from "./south.ts";

export interface TopicWords {
  /** The member of the filter that names what is listened to. */
  readonly filter: string;
  /** The notification, and the member of it that says what it is about. */
  readonly method: string;
  readonly member: string;
  /** The topic that this name means; null where it is none. */
  topicOf(id: string): string | null;
  /** What the backend calls the topic. */
  idOf(topic: string): string;
  /** Nobody could hear of it for a while. */
  missed(topic: string, abilities: Raw): void;
}

/** Resources: each may have changed while nobody heard. A backend that names what is no URI is not heard. */
export const resourceWords = (south: South): TopicWords => ({
  filter: "resourceSubscriptions",
  method: "notifications/resources/updated",
  member: "uri",
  topicOf: (uri) => (taskIn(uri) === null ? uri : null),
  idOf: (topic) => topic,
  missed: (topic, abilities) => south.options.updated(topic, uriParams(topic, south), abilities),
});

/** Tasks: news of one say all of its state, so whoever missed some is told how it stands. */
export const taskWords = (missed: TopicWords["missed"]): TopicWords => ({
  filter: "taskIds",
  method: "notifications/tasks",
  member: "taskId",
  topicOf: taskTopic,
  idOf: (topic) => taskIn(topic) ?? topic,
  missed,
});

/** The parameters of a change that is our own guess. */
export const uriParams = (uri: string, { limits }: Pick<South, "limits">): RawObject => parseObject(`{"uri":${quote(uri)}}`, limits) ?? emptyObject;
