#!/usr/bin/perl
# The whole rule set made anew again and again under a steady stream of mail: what a message waits
# for it, that each is judged by one set, the old or the new, and that none is lost. 6 reloads; 20
# with POTERNE_TEST_ALL=1.
use strict;
use warnings;

use Cwd qw(getcwd);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep time);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Load;
use Poterne::Process qw(command_output wait_until);
use Poterne::SpamAssassin;

# What a reload may add to the wait of 99 of 100 messages. (The slowest of all is shown: a single one
# says as much about the machine.)
use constant WAIT_MS => 50;
use constant { SESSIONS => 4, SECONDS => $ENV{POTERNE_TEST_ALL} ? 20 : 6 };

# What else runs on this machine just now, as the mean of a minute.
sub load_average {
    open my $file, '<', '/proc/loadavg' or return 0;
    return ( split ' ', readline $file )[0];
}
my $other_work = load_average();
my $processors = ( command_output( 'getconf', '_NPROCESSORS_ONLN' ) )[1] + 0;
my $reloads = $ENV{POTERNE_TEST_ALL} ? 20 : 6;
my $to = 'jean@reload.example';
my $root = tempdir( 'poterne-reload-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
mkdir "$root/rules";

sub write_generation {
    my ($n) = @_;
    Poterne::Gateway::write_file( "$root/rules/site.cf", "header GENERATION_$n exists:Subject\nscore GENERATION_$n 0.001\n" );
    return;
}
write_generation(0);
my @sets = ( ( grep {-d} Poterne::SpamAssassin::RULES ), getcwd() . '/rules/stock', "$root/rules" );
diag("SpamAssassin's rules are not among them: package spamassassin is not installed") if @sets < 3;
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => { spam => { rules => '{ ' . join( ', ', map {qq("$_")} @sets ) . ' }' } },
    domains  => { 'reload.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
)->start;

my ( %answers, $round );

# Mail for as long as `meanwhile` takes, as { messages a second, p50, p99, max: what they waited, ms }.
sub measure {
    my ( $pause, $meanwhile ) = @_;
    my $start = time;
    my $load = Poterne::Load->start( port => $gateway->{port}, to => $to, sessions => SESSIONS, pause => $pause, prefix => ++$round . '-' );
    $meanwhile->();
    my $sent = $load->stop;
    my $seconds = time - $start;
    @answers{ keys %$sent } = values %$sent;
    my @waited = sort { $a <=> $b } map { 1000 * ( $_->[2] || 0 ) } values %$sent;
    return {
        rate => @waited / $seconds,
        p50  => $waited[ @waited / 2 ],
        p99  => $waited[ @waited * 0.99 ],
        max  => $waited[-1]
    };
}

my $full = measure( 0, sub { sleep 3 } );
cmp_ok( $full->{rate}, '>', 5, sprintf 'mail goes through: %.0f a second', $full->{rate} );
my $pause = SESSIONS / $full->{rate};    # each session rests as long as it works: half the capacity

my $still = measure( $pause, sub { sleep SECONDS } );
my $took = 0;
my $reloaded = measure(
    $pause,
    sub {
        for my $n ( 1 .. $reloads ) {
            write_generation($n);
            my $start = time;
            $gateway->reload or return fail("reload $n");
            $took += time - $start;
        }
        sleep 1;    # mail for the last set, too
    }
);
for ( [ 'without', $still ], [ "with $reloads reloads", $reloaded ] ) {
    my ( $what, $waited ) = @$_;
    diag( sprintf '%-16s %.0f messages a second; p50 %.1f ms, p99 %.1f ms, max %.1f ms', $what, @{$waited}{qw(rate p50 p99 max)} );
}
diag( sprintf 'a reload takes %.1f s', $took / $reloads );
SKIP: {
    skip "the machine does other work: $other_work run already on $processors processors", 1 if $other_work > $processors / 2;
    cmp_ok( $reloaded->{p99} - $still->{p99}, '<', WAIT_MS, 'a reload keeps no message waiting' );
}

# --- each was judged once, by one set ---

ok( $gateway->wait_for_empty_queue, 'all is delivered' );
my @refused = grep { $answers{$_}[0] != 250 && $answers{$_}[0] != 421 } keys %answers;
is( scalar @refused, 0, 'none was refused' ) or diag( map {"@{ $answers{$_} }\n"} @refused );
my ( %came, %generation, @odd );
for my $message ( $gateway->maildir_messages($to) ) {
    my ($sequence) = $message =~ /^X-Sequence: (\S+)/m;
    my ($status) = $message =~ /^X-Spam-Status: (.*\n(?:[ \t].*\n)*)/m;
    my %set = map { $_ => 1 } ( $status // '' ) =~ /GENERATION_(\d+)/g;
    $came{$sequence}++;
    push @odd, $sequence . ': ' . ( $status // 'no X-Spam-Status' ) if keys %set != 1;
    $generation{$_}++ for keys %set;
}
is( scalar( grep { $answers{$_}[0] == 250 && !$came{$_} } keys %answers ), 0, 'none is lost' );
is( scalar @odd, 0, 'each was judged by one set' ) or diag( splice @odd, 0, 5 );
is( scalar keys %generation, $reloads + 1, 'and every set has judged some' );

# --- what can't be taken up ---

my $from = length $gateway->log_text;
Poterne::Gateway::write_file( "$root/rules/site.cf", "header GENERATION_99 exists:Subject\nscore GENERATION_99 0.001\nbody BROKEN /(/\n" );
ok( $gateway->reload, 'a rule file with a mistake' );
like( substr( $gateway->log_text, $from ), qr/site\.cf:3: BROKEN: .*never hits/, 'is named with its line' );
$from = length $gateway->log_text;
$gateway->{settings}{spam}{rules} = qq({ "$root/gone" });
$gateway->write_conf;
kill 'HUP', $gateway->{pid};
ok( $gateway->wait_for_log( qr/no rule file could be read, beginning with \Q$root\E\/gone/, $from, 60 ), 'rules that are gone are reported' );
my $last = "Subject: last\nX-Sequence: last\n\nhello\n";
# 421: the door that was asked closes, there is another
ok( wait_until(
        20, sub { $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$last )->{code} == 250 } ),
    'and mail goes on'
);
ok( wait_until( 20, sub { grep { /^X-Sequence: last/m && /GENERATION_99/ } $gateway->maildir_messages($to) } ), 'with the rules that served before' );
$gateway->stop;
done_testing();
