// Sessions of Node's amqplib, one for each test: `node amqplib_session.js NAME`. The last line of
// output is what the session came to, as JSON.
'use strict';

const { once } = require('node:events');
const amqplib = require(process.env.AMQPLIB);

const URL = process.env.AMQP_URL;

// Resolves with the next `count` messages of a queue; what else arrives stays unacknowledged.
async function take(channel, queue, count, options) {
  const messages = [];
  await new Promise((resolve, reject) => {
    channel.consume(queue, (message) => {
      messages.push(message);
      if (messages.length === count) resolve();
    }, options).catch(reject);
  });
  return messages;
}

// How an operation was refused, on a channel that then is closed.
async function refusal(connection, operation) {
  const channel = await connection.createChannel();
  const failed = once(channel, 'error');
  await Promise.resolve(operation(channel)).catch(() => {});
  const [error] = await failed;
  return { code: error.code, message: error.message };
}

const sessions = {
  async confirms(connection) {
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue('work');
    for (let n = 0; n < 500; n += 1) channel.sendToQueue('work', Buffer.from(String(n)));
    await channel.waitForConfirms();
    const { messageCount } = await channel.checkQueue('work');
    const messages = await take(channel, 'work', 500);
    messages.forEach((message) => channel.ack(message));
    await channel.close();
    const left = await (await connection.createChannel()).checkQueue('work');
    return {
      messageCount,
      inOrder: messages.every((message, n) => message.content.toString() === String(n)),
      left: left.messageCount,
    };
  },

  async settles(connection) {
    const channel = await connection.createChannel();
    await channel.assertQueue('work');
    for (const letter of 'abc') channel.sendToQueue('work', Buffer.from(letter));
    const seen = [];
    await new Promise((resolve) => {
      channel.consume('work', (message) => {
        const letter = message.content.toString();
        seen.push([letter, message.fields.redelivered]);
        if (letter === 'a' && !message.fields.redelivered) channel.nack(message);
        else if (letter === 'b') channel.reject(message, false);
        else channel.ack(message);
        if (seen.length === 4) resolve();
      });
    });
    await channel.close();
    const left = await (await connection.createChannel()).checkQueue('work');
    return { seen: seen.sort(), left: left.messageCount };
  },

  async prefetch(connection) {
    const channel = await connection.createChannel();
    await channel.assertQueue('work');
    await channel.prefetch(2);
    for (let n = 0; n < 5; n += 1) channel.sendToQueue('work', Buffer.from(String(n)));
    const arrived = [];
    const counts = [];
    await channel.consume('work', (message) => arrived.push(message));
    while (arrived.length < 5) {
      await channel.checkQueue('work'); // what was delivered before its answer is here with it
      counts.push(arrived.length);
      arrived.slice(-2).forEach((message) => channel.ack(message));
    }
    return { mostAtOnce: Math.max(...counts.map((count, n) => count - (counts[n - 1] || 0))) };
  },

  async rpc(connection) {
    const server = await connection.createChannel();
    await server.assertQueue('squares');
    await server.consume('squares', (message) => {
      const answer = Buffer.from(String(Number(message.content) ** 2));
      const { replyTo, correlationId } = message.properties;
      server.sendToQueue(replyTo, answer, { correlationId });
      server.ack(message);
    });

    const client = await connection.createChannel();
    const { queue } = await client.assertQueue('', { exclusive: true });
    const answers = {};
    await new Promise((resolve) => {
      client.consume(queue, (message) => {
        answers[message.properties.correlationId] = Number(message.content);
        if (Object.keys(answers).length === 10) resolve();
      }, { noAck: true });
      for (let n = 0; n < 10; n += 1) {
        const options = { correlationId: `call ${n}`, replyTo: queue };
        client.sendToQueue('squares', Buffer.from(String(n)), options);
      }
    });
    return answers;
  },

  async topics(connection) {
    const channel = await connection.createConfirmChannel();
    await channel.assertExchange('logs', 'topic');
    await channel.assertExchange('errors', 'fanout');
    await channel.bindExchange('errors', 'logs', '*.error');
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, 'errors', '');
    channel.publish('logs', 'kernel.error', Buffer.from('a'));
    channel.publish('logs', 'kernel.info', Buffer.from('b'));
    await channel.waitForConfirms();
    const message = await channel.get(queue, { noAck: true });
    return [message.content.toString(), await channel.get(queue)];
  },

  async headers(connection) {
    const channel = await connection.createChannel();
    await channel.assertQueue('inbox');
    const headers = {
      text: 'grüße', yes: true, small: -1, large: 2 ** 40, half: 0.5, nothing: null,
      nested: { list: [1, 'two', { three: 3 }] },
    };
    const properties = {
      headers, contentType: 'text/plain', priority: 5, correlationId: 'c', messageId: 'm',
      timestamp: 1777777777, type: 't', appId: 'a', persistent: true,
    };
    channel.sendToQueue('inbox', Buffer.from([0, 255]), properties);
    const [message] = await take(channel, 'inbox', 1, { noAck: true });
    return { sent: headers, properties: message.properties, octets: [...message.content] };
  },

  async large(connection) {
    const channel = await connection.createChannel();
    await channel.assertQueue('inbox');
    const body = Buffer.alloc(1 << 20, 'leveret');
    channel.sendToQueue('inbox', body);
    const [message] = await take(channel, 'inbox', 1, { noAck: true });
    return message.content.equals(body);
  },

  async refusals(connection) {
    await (await connection.createChannel()).assertQueue('kept', { durable: true });
    return {
      missingQueue: await refusal(connection, (channel) => channel.checkQueue('missing')),
      otherQueue: await refusal(connection, (c) => c.assertQueue('kept', { durable: false })),
      missingExchange: await refusal(connection, (c) => c.publish('missing', '', Buffer.alloc(0))),
      reservedName: await refusal(connection, (channel) => channel.assertQueue('amq.mine')),
      unknownTag: await refusal(connection, (c) => c.ack({ fields: { deliveryTag: 7 } })),
      afterwards: (await (await connection.createChannel()).checkQueue('kept')).queue,
    };
  },

  async connectionError(connection) {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    const failed = once(connection, 'error');
    await channel.assertExchange('odd', 'x-nope-nope').catch(() => {});
    const [error] = await failed;
    return { code: error.code, message: error.message };
  },

  async returned(connection) {
    const channel = await connection.createConfirmChannel();
    const back = once(channel, 'return');
    channel.sendToQueue('nowhere', Buffer.from('lost'), { mandatory: true });
    const [message] = await back;
    await channel.waitForConfirms();
    return [message.fields.replyCode, message.fields.replyText, message.content.toString()];
  },

  async cancelled(connection) {
    const channel = await connection.createChannel();
    await channel.assertQueue('brief');
    const gone = take(channel, 'brief', 1);
    await (await connection.createChannel()).deleteQueue('brief');
    return [await gone, (await channel.assertQueue('still-open')).queue];
  },

  async recovers() {
    const bodies = [];
    let times = 0;
    let finish;
    const finished = new Promise((resolve) => { finish = resolve; });
    const connection = await amqplib.connect(URL, {
      recovery: {
        initialDelay: 50,
        maxDelay: 200,
        async setup(model) {
          const channel = await model.createConfirmChannel();
          await channel.assertQueue('work');
          await channel.consume('work', (message) => {
            bodies.push(message.content.toString());
            channel.ack(message);
            if (bodies.at(-1) === 'set up 3 times') finish();
          });
          times += 1;
          channel.sendToQueue('work', Buffer.from(`set up ${times} times`));
          await channel.waitForConfirms();
          console.log('set up');
        },
      },
    });
    connection.on('error', () => {});
    await finished;
    await connection.close();
    return bodies;
  },
};

// Of these the test says how they connect, or that they do not.
const CONNECT_THEMSELVES = ['recovers'];

async function main(name) {
  if (CONNECT_THEMSELVES.includes(name)) return sessions[name]();
  const connection = await amqplib.connect(URL);
  connection.on('error', () => {});
  const result = await sessions[name](connection);
  await connection.close().catch(() => {}); // an error may have closed it
  return result;
}

main(process.argv[2]).then(
  (result) => console.log(`result ${JSON.stringify(result)}`),
  (error) => console.log(`failed ${error.message.replaceAll('\n', ' ')}`),
);
