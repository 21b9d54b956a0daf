import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import staffetta.campaign.v1.CampaignRequestedOuterClass.CampaignRequested;
import staffetta.campaign.v1.MoneyOuterClass.Money;

/**
 * Reads events of Staffetta, and writes a request: Java with protobuf alone.
 *
 *   protoc --descriptor_set_in=schemas/staffetta.campaign.v1.binpb --java_out=DIR \
 *     $(cd proto && echo staffetta/campaign/v1/*.proto)
 *   java StaffettaEvents < LINES
 *   java StaffettaEvents request
 *
 * A line is an event: its headers ce-type and content-type, and its payload in base64, with
 * a tab between them. With a client of NATS it is read(headers, msg.getData()).
 */
public class StaffettaEvents {
    private static final String CONTRACT = "staffetta.campaign.v1.";

    /** The message of an event; null if its type is one of a later version. */
    static Message read(Map<String, String> headers, byte[] payload) throws InvalidProtocolBufferException {
        Message.Builder message = builder(headers.get("ce-type"));
        if (message == null) {
            return null;
        }
        if ("application/json".equals(headers.get("content-type"))) {
            JsonFormat.parser().ignoringUnknownFields().merge(new String(payload, StandardCharsets.UTF_8), message);
        } else {
            message.mergeFrom(payload);
        }
        return message.build();
    }

    /** The class of a message is inside of that of its file. */
    private static Message.Builder builder(String type) {
        if (!type.startsWith(CONTRACT)) {
            return null;
        }
        String name = type.substring(CONTRACT.length());
        for (String file : new String[] {name + "OuterClass", "StandingEvents"}) {
            try {
                return (Message.Builder) Class.forName(CONTRACT + file + "$" + name).getMethod("newBuilder").invoke(null);
            } catch (ReflectiveOperationException e) {
                continue;
            }
        }
        return null;
    }

    /** A request, as its bytes are published on campaign.v1.request.shop-italia.java-1. */
    static CampaignRequested request() {
        return CampaignRequested.newBuilder()
            .setSource("shop-italia").setRequestId("java-1").setName("From Java").setSender("ShopItalia")
            .setText("Saldi!").setContactListId(87).setImmediately(true)
            .setMaxTotal(Money.newBuilder().setAmount(new BigDecimal("300.00").toPlainString()).setCurrency("EUR"))
            .setApprovalWithin(Duration.newBuilder().setSeconds(3600))
            .build();
    }

    public static void main(String[] args) throws Exception {
        Base64.Encoder out = Base64.getEncoder();
        if (args.length == 1 && args[0].equals("request")) {
            System.out.println(out.encodeToString(request().toByteArray()));
            System.out.println(out.encodeToString(JsonFormat.printer().print(request()).getBytes(StandardCharsets.UTF_8)));
            return;
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] part = line.split("\t", -1);
            Message event = read(Map.of("ce-type", part[0], "content-type", part[1]), Base64.getDecoder().decode(part[2]));
            String text = event == null ? "unknown" : JsonFormat.printer().omittingInsignificantWhitespace().print(event);
            System.out.write((text + "\n").getBytes(StandardCharsets.UTF_8));
        }
        System.out.flush();
    }
}
