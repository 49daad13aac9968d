/**
 * What a server can be asked to tell of, as one string: a resource, by its URI, or a task of its own, by its id. Whoever
 * counts such wishes and carries them further treats both alike; only the two ends look which it is.
 *
 * No URI has the character before a task's id, and a client's wish for a resource that has it is refused where wishes
 * come in: else any client could name the task of another.
 */
const mark = "\u0000";

/** The topic of a task. */
export const taskTopic = (taskId: string): string => mark + taskId;

/** The id of the task that a topic means; null where it is a resource. */
export const taskIn = (topic: string): string | null => (topic.startsWith(mark) ? topic.slice(mark.length) : null);
