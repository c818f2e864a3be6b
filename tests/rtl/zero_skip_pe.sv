// A PE of kind `lanes`: every lane reduces one output along its own stream and skips zeros within a window; the tile is done when all lanes are.

// One lane. It looks at the WINDOW positions from `place` on, multiplies the first effectual pair and goes on behind it;
// without one it burns the cycle and goes on WINDOW places further.
module zero_skip_lane #(
    parameter WINDOW = 16,
    parameter MAX_LENGTH = 64,
    parameter DATA_BITS = 8,
    parameter SUM_BITS = 32,
    localparam PLACE_BITS = $clog2(MAX_LENGTH + WINDOW + 1)
) (
    input  logic                        clk,
    input  logic                        rst,
    // One position of the stream a cycle, before the start.
    input  logic                        load,
    input  logic [PLACE_BITS-1:0]       load_place,
    input  logic signed [DATA_BITS-1:0] load_moving,
    input  logic signed [DATA_BITS-1:0] load_stationary,
    // The tile begins at the edge that sees `start`.
    input  logic                        start,
    input  logic [PLACE_BITS-1:0]       start_length,
    input  logic                        skip_moving,
    input  logic                        skip_stationary,
    output logic                        done,
    output logic signed [SUM_BITS-1:0]  sum
);
  logic signed [DATA_BITS-1:0] moving[0:MAX_LENGTH-1];
  logic signed [DATA_BITS-1:0] stationary[0:MAX_LENGTH-1];
  logic [MAX_LENGTH-1:0] moving_set, stationary_set;
  logic [PLACE_BITS-1:0] place, length;

  logic [MAX_LENGTH-1:0] pairs;
  logic [WINDOW-1:0] ahead;
  logic found;
  logic [PLACE_BITS-1:0] taken;

  assign pairs = (moving_set | {MAX_LENGTH{!skip_moving}}) & (stationary_set | {MAX_LENGTH{!skip_stationary}});
  assign done = place >= length;

  integer i;
  always_comb begin
    ahead = {WINDOW{1'b0}};
    for (i = 0; i < WINDOW; i = i + 1) if (place + i < length) ahead[i] = pairs[place+i];
    found = |ahead;
    taken = place;
    for (i = WINDOW - 1; i >= 0; i = i - 1) if (ahead[i]) taken = place + i;
  end

  always_ff @(posedge clk) begin
    if (load) begin
      moving[load_place] <= load_moving;
      stationary[load_place] <= load_stationary;
      moving_set[load_place] <= load_moving != 0;
      stationary_set[load_place] <= load_stationary != 0;
    end
    if (rst) begin
      place <= 0;
      length <= 0;
      sum <= 0;
    end else if (start) begin
      place <= 0;
      length <= start_length;
      sum <= 0;
    end else if (!done) begin
      place <= found ? taken + 1'b1 : place + WINDOW[PLACE_BITS-1:0];
      if (found) sum <= sum + moving[taken] * stationary[taken];
    end
  end
endmodule

// LANES lanes and their barrier. Lane i has bits [i*B +: B] of every packed port.
module zero_skip_pe #(
    parameter LANES = 4,
    parameter WINDOW = 16,
    parameter MAX_LENGTH = 64,
    parameter DATA_BITS = 8,
    parameter SUM_BITS = 32,
    localparam PLACE_BITS = $clog2(MAX_LENGTH + WINDOW + 1)
) (
    input  logic                        clk,
    input  logic                        rst,
    input  logic                        load,
    input  logic [PLACE_BITS-1:0]       load_place,
    input  logic [LANES*DATA_BITS-1:0]  load_moving,
    input  logic [LANES*DATA_BITS-1:0]  load_stationary,
    input  logic                        start,
    input  logic [LANES*PLACE_BITS-1:0] start_length,
    input  logic                        skip_moving,
    input  logic                        skip_stationary,
    output logic                        done,
    output logic [LANES*SUM_BITS-1:0]   sums
);
  logic [LANES-1:0] lane_done;

  assign done = &lane_done;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
      zero_skip_lane #(
          .WINDOW(WINDOW),
          .MAX_LENGTH(MAX_LENGTH),
          .DATA_BITS(DATA_BITS),
          .SUM_BITS(SUM_BITS)
      ) one (
          .clk(clk),
          .rst(rst),
          .load(load),
          .load_place(load_place),
          .load_moving(load_moving[lane*DATA_BITS+:DATA_BITS]),
          .load_stationary(load_stationary[lane*DATA_BITS+:DATA_BITS]),
          .start(start),
          .start_length(start_length[lane*PLACE_BITS+:PLACE_BITS]),
          .skip_moving(skip_moving),
          .skip_stationary(skip_stationary),
          .done(lane_done[lane]),
          .sum(sums[lane*SUM_BITS+:SUM_BITS])
      );
    end
  endgenerate
endmodule
