#!/usr/bin/perl
# What a sender asks of notices (RFC 3461): passed on where the next hop can do it, else done here. Postfix is the
# next hop that can; Python's smtplib asks, its email package reads the notices.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IPC::Open2 qw(open2);
use JSON::PP ();
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Dovecot;
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Postfix;
use Poterne::Process qw(command_output free_port wait_until);
use Poterne::Sink;

plan skip_all => 'Postfix is not installed, or not run by root' if !Poterne::Postfix::there();
plan skip_all => 'python3 is not installed' if !-x '/usr/bin/python3';
plan skip_all => Poterne::Dns::missing() if Poterne::Dns::missing();

my ( $INSIDE, $OUTSIDE ) = ( '127.0.0.1', '127.0.0.9' );
my $ME   = 'me@home.example';
my $root = tempdir( 'poterne-dsn-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

my @certificate = ( '-keyout', "$root/key.pem", '-out', "$root/cert.pem" );
my ( $failed, $why ) =
    command_output( qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mx.poterne.example), @certificate );
plan skip_all => "openssl makes no certificate: $why" if $failed;

my $lmtp = Poterne::Sink->start( root => "$root/lmtp" );
my $smtp = Poterne::Sink->start( root => "$root/smtp", smtp => 1 );
my $asked = Poterne::Sink->start( root => "$root/asked", dsn => 1 );
my $far = Poterne::Sink->start( root => "$root/far", smtp => 1, dsn => 1 );
my $dovecot = Poterne::Dovecot::there() && Poterne::Dovecot->start("$root/dovecot");
my $dns  = Poterne::Dns->new( folder => "$root/dns", records => [qq(sender.example. TXT "v=spf1 ip4:$OUTSIDE -all")] )->start;
my ( $postfix_port, $down_port ) = ( free_port(), free_port() );
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        antivirus => { engines => '{ }' },
        bounces   => { delay_warning => '3s', original_limit => '1M' },
        gate      => { inside => "{ $INSIDE }" },
        outside   => { next_hop => qq("smtp://127.0.0.1:$far->{port}") },
        queue     => { free_space_min => '0', retry_first => '1s', retry_max => '1s', lifetime => '1h' },
        resolver  => $dns->settings,
        smtp      => { tls_certificate => qq("$root/cert.pem"), tls_key => qq("$root/key.pem") },
    },
    domains => {
        'home.example' => {
            next_hop   => Poterne::Gateway::maildir_hop("$root/gateway"),
            recipients => [ map { "$_\@home.example" } qw(me you him her boss) ],
            more       => 'language = fr',
        },
        'lmtp.example' => {
            next_hop   => "lmtp://127.0.0.1:$lmtp->{port}",
            recipients => [ ( map { "$_\@lmtp.example" } qw(a never never-2 never-3 never-rené later-3 later-7 later-8 later-9) ),
                'away@lmtp.example -> x@lab.example', 'lost@lmtp.example -> never@lab.example' ],
            more       => 'redirect_only_to = { lab.example }',
        },
        'asked.example' => { next_hop => "lmtp://127.0.0.1:$asked->{port}", recipients => ['f@asked.example'] },
        ( $dovecot ? ( 'box.example' => { next_hop => "lmtp://127.0.0.1:$dovecot->{lmtp}", recipients => ['g@box.example'] } ) : () ),
        'plain.example' => { next_hop => "smtp://127.0.0.1:$smtp->{port}",  recipients => ['b@plain.example'] },
        'down.example'  => { next_hop => "smtp://127.0.0.1:$down_port",     recipients => [ map { "$_\@down.example" } qw(c d) ] },
        'dsn.example'   => { next_hop => "smtp://127.0.0.1:$postfix_port",  recipients => [ 'good@dsn.example', 'gone@dsn.example' ] },
    }
);
my $behind  = Poterne::Sink->start( root => "$root/behind" );
my $postfix = Poterne::Postfix->start(
    root       => "$root/postfix",
    port       => $postfix_port,
    domain     => 'dsn.example',
    recipients => ['good@dsn.example'],
    sink       => $behind->{port},
    protocol   => 'lmtp',
    more       => "relayhost = [127.0.0.1]:$gateway->{port}",
);
$gateway->start;

# Sends as a client in Python does: returns the id.
my $CLIENT = <<'PYTHON';
import json, smtplib, sys
mail = json.load(sys.stdin)
smtp = smtplib.SMTP('127.0.0.1', mail['port'], source_address=(mail['local'], 0))
smtp.ehlo()
if mail['tls']:
    smtp.starttls()
    smtp.ehlo()
dsn = smtp.has_extn('dsn')
refused = {}
code, text = smtp.mail(mail['from'], mail['options'])
if code == 250:
    for address, options in mail['to']:
        got = smtp.rcpt(address, options)
        if got[0] != 250:
            refused[address] = got[0]
    if mail['to']:
        code, text = smtp.data(mail['text'].encode())
smtp.quit()
print(json.dumps({'dsn': dsn, 'code': code, 'text': text.decode(), 'refused': refused}))
PYTHON

sub python {
    my ( $input, @command ) = @_;
    my $pid = open2( my $out, my $in, '/usr/bin/python3', @command );
    binmode $_ for $in, $out;
    print {$in} $input;
    close $in;
    my $json = do { local $/; <$out> };
    waitpid $pid, 0;
    return eval { JSON::PP->new->decode($json) } // {};
}

sub post {
    my ( $options, $to, %more ) = @_;
    my %mail = (
        port    => 0 + $gateway->{port},
        local   => $more{local} // $INSIDE,
        tls     => $more{tls} ? 1 : 0,
        from    => $more{from} // $ME,
        options => $options,
        to      => $to,
        text    => ( $more{top} // '' ) . letter( 'people@ours.example', $more{subject} ) =~ s/\r?\n/\r\n/gr
    );
    my $answer = python( JSON::PP->new->encode( \%mail ), '-c', $CLIENT );
    return $answer if $more{answer};
    my ($id) = ( $answer->{text} // '' ) =~ /\b([0-9A-Z]{26})\b/;
    ok( $id && !%{ $answer->{refused} }, "taken: @$options, " . join ' ', map { "$_->[0] @{ $_->[1] }" } @$to ) or diag( explain($answer) );
    return $id;
}

sub outcomes {
    my ( $id, %states ) = @_;
    my %last;
    wait_until(
        60,
        sub {
            my ($message) = $gateway->poterne_json( 'trace', $id );
            %last = map { ( $_->{address} => $_->{outcomes}[-1] // {} ) } @{ $message->{recipients} // [] };
            return !grep { ( $last{$_}{state} // '' ) ne $states{$_} } keys %states;
        }
    );
    is( $last{$_}{state}, $states{$_}, "$_ is $states{$_}" ) for sort keys %states;
    return \%last;
}

# Does the trace of a message say so of that recipient, once?
sub traced_once {
    my ( $id, $address, $pattern, $name ) = @_;
    my @said;
    wait_until(
        30,
        sub {
            my ($message) = $gateway->poterne_json( 'trace', $id );
            my ($to) = grep { $_->{address} eq $address } @{ $message->{recipients} // [] };
            @said = grep { $_->{detail} =~ $pattern } @{ $to->{outcomes} // [] };
            return @said;
        }
    );
    is( scalar @said, 1, $name );
    return $said[0] // {};
}

# The notices that a server of others got for an address, once there are so many.
sub notices_at {
    my ( $sink, $address, $wanted ) = @_;
    my @all;
    wait_until( 45, sub { @all = $sink->messages($address); @all >= $wanted } );
    is( scalar @all, $wanted, "$address gets $wanted" );
    return map { python( $_, 't/system/dsn.py' ) } @all;
}

# The notices in a mailbox, those that were there before left out, once there are so many.
my %seen;

sub new_notices {
    my ( $wanted, $mailbox ) = @_;
    $mailbox //= $ME;
    my $known = $seen{$mailbox} //= {};
    my @new;
    wait_until( 45, sub { @new = grep { !$known->{$_} } $gateway->maildir_messages($mailbox); @new >= $wanted } );
    $known->{$_} = 1 for @new;
    is( scalar @new, $wanted, "$mailbox gets $wanted" );
    return map { python( $_, 't/system/dsn.py' ) } @new;
}

# { recipient's part of Final-Recipient => fields }
sub by_recipient {
    my ($notice) = @_;
    return { map { ( $_->{'final-recipient'} =~ s/^rfc822; //r => $_ ) } @{ $notice->{recipients} // [] } };
}

my $DATE = qr/^\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/;

# --- whom it is offered ---

my $answer = post( [], [], answer => 1 );
ok( $answer->{dsn}, 'from inside DSN is offered' );
$answer = post( ['RET=HDRS'], [], answer => 1, local => $OUTSIDE );
ok( !$answer->{dsn}, '… to others it is not' );
is( $answer->{code}, 555, '… nor taken from them' );

# --- what got there ---

my $id = post(
    [ 'RET=FULL', 'ENVID=QQ+2B1' ],
    [
        [ 'you@home.example', [ 'NOTIFY=SUCCESS',       'ORCPT=rfc822;You+2BX@home.example' ] ],
        [ 'a@lmtp.example',   [ 'NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;a@lmtp.example' ] ],
        [ 'b@plain.example',  ['NOTIFY=FAILURE,SUCCESS'] ],
        [ 'him@home.example', ['NOTIFY=FAILURE'] ],
        [ 'her@home.example', [] ],
    ],
    subject => 'Asked'
);
my ($notice) = new_notices(1);
my $of = by_recipient($notice);
is_deeply( [ sort keys %$of ], [qw(a@lmtp.example b@plain.example you@home.example)], 'told of those three alone, at once' );
is( $of->{'you@home.example'}{action}, 'delivered', 'into a Maildir: delivered' );
is( $of->{'a@lmtp.example'}{action}, 'delivered', 'by LMTP: delivered' );
is( $of->{'b@plain.example'}{action}, 'relayed', 'to a server without DSN: relayed' );
is( $of->{'you@home.example'}{'original-recipient'}, 'rfc822; You+X@home.example', 'Original-Recipient' );
is( $of->{'b@plain.example'}{'original-recipient'}, undef, '… where it was said' );
like( $_->{status}, qr/^2\.\d\.\d$/, 'Status of the class 2' ) for values %$of;
is( $of->{'a@lmtp.example'}{'remote-mta'}, 'dns; [127.0.0.1]', 'Remote-MTA' );
is( $notice->{message}{'original-envelope-id'}, 'QQ+1', 'Original-Envelope-Id' );
is( $notice->{types}[2], 'text/rfc822-headers', 'of what got there the header comes back, whatever RET says' );
is( $notice->{header}{subject}, 'Avis de remise : Asked', 'its subject' );
is( $notice->{header}{'message-id'}, "<$id.0.s\@mx.poterne.example>", 'an id that stays' );
is( $notice->{header}{'auto-submitted'}, 'auto-replied', 'nobody\'s program answers it' );
like( $notice->{text}, qr/Il a été remis/, 'words for people' );
is_deeply( $notice->{defects}, [], 'Python finds no defect' );
my $told = traced_once( $id, 'b@plain.example', qr/^its sender is told by [0-9A-Z]{26}: 250 /, 'the trace names the notice' );
is( $told->{state}, 'delivered', '… beside what became of it' );
my ($by) = ( $told->{detail} // '' ) =~ /([0-9A-Z]{26})/;
is_deeply( [ map { $_->{how} } map { @{ $_->{recipients} } } $gateway->poterne_json( 'trace', $by // '' ) ], ["notice of $id"], '… and it the message' );
ok( $gateway->wait_for_empty_queue, 'nothing is left in the queue' );

# --- by LMTP, to who offers DSN and who does not ---

post( [ 'RET=HDRS', 'ENVID=9' ], [ [ 'f@asked.example', [ 'NOTIFY=SUCCESS', 'ORCPT=rfc822;F@asked.example' ] ] ] );
ok( wait_until( 30, sub { $asked->messages('f@asked.example') } ), 'an LMTP server that offers DSN' );
like( join( "\n", $asked->commands ), qr/^MAIL FROM:<me\@home\.example>.* RET=HDRS ENVID=9\nRCPT TO:<f\@asked\.example> NOTIFY=SUCCESS ORCPT=rfc822;F\@asked\.example$/,
    '… is asked to tell' );
ok( $gateway->wait_for_empty_queue, 'nothing is left in the queue' );
new_notices(0);
SKIP: {
    skip 'Dovecot is not installed', 6 if !$dovecot;
    post( [], [ [ 'g@box.example', ['NOTIFY=SUCCESS'] ] ] );
    ($notice) = new_notices(1);
    $of = by_recipient($notice);
    is( $of->{'g@box.example'}{action}, 'delivered', 'Dovecot, which offers none: its word stands for delivery' );
    like( $of->{'g@box.example'}{status}, qr/^2\.\d\.\d$/, '… Status' );
    like( $of->{'g@box.example'}{'diagnostic-code'}, qr/^smtp; 250 .*Saved/, '… in its words' );
    is( scalar( () = $dovecot->messages('g@box.example') ), 1, '… where it is' );
}

# --- what failed ---

post( [ 'RET=HDRS', 'ENVID=2' ], [ [ 'never@lmtp.example', [ 'NOTIFY=FAILURE', 'ORCPT=rfc822;old@lmtp.example' ] ] ] );
($notice) = new_notices(1);
is( $notice->{types}[2], 'text/rfc822-headers', 'RET=HDRS: the header comes back' );
is( $notice->{message}{'original-envelope-id'}, '2', '… Original-Envelope-Id' );
is( $notice->{recipients}[0]{action}, 'failed', '… failed' );
is( $notice->{recipients}[0]{'original-recipient'}, 'rfc822; old@lmtp.example', '… Original-Recipient' );
$id = post( [], [ [ 'never@lmtp.example', ['NOTIFY=NEVER'] ], [ 'never-2@lmtp.example', ['NOTIFY=SUCCESS,DELAY'] ], [ 'never-3@lmtp.example', [] ] ] );
($notice) = new_notices(1);
is_deeply( [ keys %{ by_recipient($notice) } ], ['never-3@lmtp.example'], 'who did not ask for it hears of no failure' );
is( $notice->{types}[2], 'message/rfc822', 'without RET the message comes back' );
my $last = outcomes( $id, map { ( "$_\@lmtp.example" => 'failed' ) } qw(never never-2 never-3) );
like( $last->{"$_\@lmtp.example"}{detail}, qr/^its sender asked not to be told \(NOTIFY\): 550/, "… $_ says why" ) for qw(never never-2);
ok( $gateway->wait_for_empty_queue, 'nothing is left in the queue' );
is( scalar $gateway->spooled('quarantine'), 0, '… nor held' );

# thousands of fields are no reason not to tell of it
post( [], [ [ 'never@lmtp.example', [] ] ], top => "TLS-Required: No\r\n" . join '', map { "X-Field-$_: a\r\n" } 1 .. 9000 );
($notice) = new_notices(1);
is( $notice->{types}[2], 'message/rfc822', 'of a message with 9000 fields, too' );
is( $notice->{header}{'tls-required'}, 'No', 'what is to get there rather without proof is told so, too' );

# --- addresses beyond ASCII (RFC 6533) ---

post( [ 'SMTPUTF8', 'RET=HDRS', 'ENVID=10' ], [ [ 'never-rené@lmtp.example', [ 'NOTIFY=FAILURE', 'ORCPT=utf-8;René@lmtp.example' ] ] ], subject => 'Élan' );
($notice) = new_notices(1);
is_deeply( $notice->{types}, [qw(text/plain message/global-delivery-status message/global-headers)], 'with SMTPUTF8: the international form' );
is_deeply( $notice->{defects}, [], '… in which Python finds no defect' );
is( $notice->{message}{'reporting-mta'}, 'dns; mx.poterne.example', '… Reporting-MTA' );
is( $notice->{message}{'original-envelope-id'}, '10', '… Original-Envelope-Id' );
like( $notice->{message}{'arrival-date'}, $DATE, '… Arrival-Date' );
($of) = @{ $notice->{recipients} };
is( $of->{'original-recipient'}, 'utf-8; René@lmtp.example', '… Original-Recipient' );
is( $of->{'final-recipient'}, 'utf-8; never-rené@lmtp.example', '… Final-Recipient' );
is( $of->{action}, 'failed', '… Action' );
like( $of->{status}, qr/^5\.\d\.\d$/, '… Status' );
like( $of->{'diagnostic-code'}, qr/^x-poterne; 5\.\d\.\d /, '… Diagnostic-Code' );
like( $of->{'last-attempt-date'}, $DATE, '… Last-Attempt-Date' );
is( $notice->{returned}{subject}, 'Élan', '… and the header as it was' );
post( [], [ [ 'never@lmtp.example', [ 'NOTIFY=FAILURE', 'ORCPT=utf-8;Ren\x{E9}@lmtp.example' ] ] ] );
($notice) = new_notices(1);
is_deeply( $notice->{types}, [qw(text/plain message/delivery-status message/rfc822)], 'without: the old one' );
is( $notice->{recipients}[0]{'original-recipient'}, 'utf-8; Ren\x{E9}@lmtp.example', '… which says it in ASCII' );

# --- passed on ---

post( [ 'RET=HDRS', 'ENVID=3+2B4' ], [ [ 'good@dsn.example', [ 'NOTIFY=SUCCESS', 'ORCPT=rfc822;old+2Bgood@dsn.example' ] ] ] );
($notice) = new_notices(1);
is( $notice->{message}{'reporting-mta'}, 'dns; postfix.bench.example', 'Postfix, which can, was asked to tell' );
is( $notice->{message}{'original-envelope-id'}, '3+4', '… with ENVID' );
is( $notice->{recipients}[0]{'original-recipient'}, 'rfc822;old+good@dsn.example', '… and ORCPT' );
like( $notice->{recipients}[0]{action}, qr/^(?:delivered|relayed)/, '… and told' );
post( [], [ [ 'good@dsn.example', ['NOTIFY=NEVER'] ], [ 'good@dsn.example', [] ] ] );
ok( $gateway->wait_for_empty_queue, 'nothing is left in the queue' );
new_notices(0);

# --- who waits ---

$id = post(
    ['ENVID=5'],
    [ [ 'later-7@lmtp.example', [] ], [ 'later-8@lmtp.example', ['NOTIFY=FAILURE,SUCCESS'] ], [ 'c@down.example', [] ] ],
    subject => 'Late'
);
($notice) = new_notices(1);
$of = by_recipient($notice);
is_deeply( [ sort keys %$of ], [qw(c@down.example later-7@lmtp.example)], 'told that they wait, but for one whom nobody asked of' );
is( $_->{action}, 'delayed', 'Action' ) for values %$of;
like( $_->{status}, qr/^4\.\d\.\d$/, 'Status of the class 4' ) for values %$of;
like( $_->{'will-retry-until'}, $DATE, 'Will-Retry-Until' ) for values %$of;
like( $of->{'later-7@lmtp.example'}{'diagnostic-code'}, qr/^smtp; 451 4\.2\.0 Later/, 'Diagnostic-Code' );
is( $notice->{message}{'original-envelope-id'}, '5', 'Original-Envelope-Id' );
is( $notice->{header}{subject}, 'Message retardé : Late', 'its subject' );
like( $notice->{text}, qr{Nous essaierons jusqu'au \d\d/\d\d/\d{4} à \d\d:\d\d UTC}, 'words for people' );
outcomes( $id, 'later-7@lmtp.example' => 'delivered', 'later-8@lmtp.example' => 'delivered', 'c@down.example' => 'deferred' );
($notice) = new_notices(1);
is_deeply( [ map { "$_->{'final-recipient'} $_->{action}" } @{ $notice->{recipients} } ], ['rfc822; later-8@lmtp.example delivered'], 'who asked hears that it got there' );
traced_once( $id, 'c@down.example', qr/^its sender is told by [0-9A-Z]{26} that it waits: /, 'the trace says that he was told' );
$gateway->crash;
$gateway->start;
sleep 5;
new_notices(0);    # it waits still; one notice was enough
is( scalar $gateway->spooled('queue'), 1, '… and is tried on' );

# --- redirected ---

$id = post( ['ENVID=6'], [ [ 'away@lmtp.example', [ 'NOTIFY=SUCCESS', 'ORCPT=rfc822;away@lmtp.example' ] ] ] );
($notice) = new_notices(1);
is_deeply(
    [ map { "$_->{'final-recipient'} $_->{action}" } @{ $notice->{recipients} } ],
    ['rfc822; away@lmtp.example expanded'],
    'redirected: who was written to is named'
);
unlike( JSON::PP->new->encode($notice), qr/lab\.example/, '… and not where it went' );
ok( wait_until( 20, sub { $far->messages('x@lab.example') == 1 } ), '… where it is' );

like( join( "\n", $far->commands ), qr/^MAIL FROM:<me\@home\.example>.* ENVID=6\nRCPT TO:<x\@lab\.example> NOTIFY=NEVER ORCPT=rfc822;away\@lmtp\.example$/m,
    '… under the same sender, who has heard of it (RFC 3461 5.2.7.3)' );

# --- others ---

$id = post( [], [ [ 'never@lmtp.example', [] ] ], local => $OUTSIDE );
outcomes( $id, 'never@lmtp.example' => 'held' );
new_notices(0);

# --- REQUIRETLS (RFC 8689 5): a bounce goes as the message was to go ---

$id   = post( ['REQUIRETLS'], [ [ 'never@lmtp.example', [] ] ], from => 'b@plain.example', tls => 1 );
$last = outcomes( $id, 'never@lmtp.example' => 'failed' );
my ($bounce) = $last->{'never@lmtp.example'}{detail} =~ /told by ([0-9A-Z]{26})/;
outcomes( $bounce // '', 'b@plain.example' => 'delivered' );    # over a network of ours

# To others it goes so or without what it was about: a stranger's message that was redirected.
$id   = post( ['REQUIRETLS'], [ [ 'lost@lmtp.example', [] ] ], from => 'news@sender.example', local => $OUTSIDE, tls => 1, subject => 'Secret' );
$last = outcomes( $id, 'never@lab.example' => 'failed' );
like( $last->{'never@lab.example'}{detail}, qr/told by [0-9A-Z]{26}: 5\.7\.30 REQUIRETLS/, 'what is to go over TLS alone does not go in clear' );
($bounce) = $last->{'never@lab.example'}{detail} =~ /told by ([0-9A-Z]{26})/;
$last = outcomes( $bounce // '', 'news@sender.example' => 'failed' );
like( $last->{'news@sender.example'}{detail}, qr/told by [0-9A-Z]{26}: 5\.7\.30 REQUIRETLS/, '… nor does the bounce' );
($notice) = notices_at( $far, 'news@sender.example', 1 );
my ($raw) = $far->messages('news@sender.example');
is_deeply( $notice->{types}, [qw(text/plain message/delivery-status)], '… but one that is redacted: nothing comes back' );
is_deeply( $notice->{defects}, [], '… in which Python finds no defect' );
is( $notice->{recipients}[0]{'final-recipient'}, 'rfc822; news@sender.example', '… whom it could not be told' );
is( $notice->{recipients}[0]{status}, '5.7.30', '… Status' );
like( $notice->{text}, qr/REQUIRETLS.*name this reference:\s+\Q$bounce\E\n.*forward this mail to postmaster\@/s, '… and how to learn more' );
unlike( $raw, qr/Secret|lmtp\.example|lab\.example|\Q$id\E|people\@/, '… no word of what it was about' );

# --- offered to everybody ---

$gateway->{settings}{bounces}{offer} = 'everybody';
$gateway->write_conf;
ok( $gateway->reload, 'DSN for everybody' );
my %stranger = ( local => $OUTSIDE, from => 'list@sender.example' );
post( ['ENVID=8'], [ [ 'you@home.example', [ 'NOTIFY=SUCCESS', 'ORCPT=rfc822;You@home.example' ] ] ], %stranger );
($notice) = notices_at( $far, 'list@sender.example', 1 );
is_deeply( [ map { "$_->{'original-recipient'} $_->{action}" } @{ $notice->{recipients} } ], ['rfc822; You@home.example delivered'], 'a stranger who is proved hears that it got there' );
is( $notice->{message}{'original-envelope-id'}, '8', '… by his ENVID' );
my $before = $far->commands;
post( [], [ [ 'away@lmtp.example', [$_] ] ], %stranger ) for 'NOTIFY=NEVER', 'NOTIFY=SUCCESS,DELAY', 'NOTIFY=FAILURE,DELAY';
ok( wait_until( 40, sub { $far->messages('x@lab.example') == 4 } ), 'redirected under a return address of ours' );
is_deeply(
    [ sort map { /^RCPT TO:<x\@lab\.example> (.*)/ ? $1 : () } ( $far->commands )[ $before .. $far->commands - 1 ] ],
    [ 'NOTIFY=FAILURE', 'NOTIFY=NEVER', 'NOTIFY=NEVER' ],
    '… the next server is to tell of failures alone, where he wants to hear of them'
);
like( join( "\n", ( $far->commands )[ $before .. $far->commands - 1 ] ), qr/^MAIL FROM:<SRS0=[^>]*\@lmtp\.example>/m, '… over us' );
$id = post( [], [ [ 'you@home.example', ['NOTIFY=SUCCESS'] ], [ 'never@lmtp.example', ['NOTIFY=SUCCESS,FAILURE'] ] ], local => $OUTSIDE, from => 'list@elsewhere.example' );
outcomes( $id, 'you@home.example' => 'delivered', 'never@lmtp.example' => 'held' );
ok( wait_until( 30, sub { !grep { $_ eq $id } $gateway->spooled('queue') } ), 'one who is not proved …' );
notices_at( $far, 'list@elsewhere.example', 0 );    # … hears nothing, whatever he asks for

# --- a notice that can't be stored ---

my $incoming = "$root/gateway/state/incoming";
my $mode = ( stat $incoming )[2] & oct 7777;
my ($delivery) = @{ $gateway->processes->{delivery} };
$gateway->signal_role( STOP => 'delivery' );
$id = post( [], [ [ 'later-9@lmtp.example', [] ] ], from => 'boss@home.example' );
chmod 0500, $incoming;    # no mail of ours can be made
$gateway->signal_role( CONT => 'delivery' );
ok( $gateway->wait_for_log(qr/$id: its sender can't be told yet/), 'who waits can\'t be told' );
outcomes( $id, 'later-9@lmtp.example' => 'delivered' );
ok( wait_until( 30, sub { !grep { $_ eq $id } $gateway->spooled('queue') } ), 'he got it meanwhile: the message is settled' );
chmod $mode, $incoming;
$id = post( [], [ [ 'you@home.example', ['NOTIFY=SUCCESS'] ] ], from => 'boss@home.example' );
my ($own) = new_notices( 1, 'boss@home.example' );
is( $own->{header}{'message-id'}, "<$id.0.s\@mx.poterne.example>", '… and nobody is told of it any more' );
is_deeply( $gateway->processes->{delivery}, [$delivery], '… by the same process, which is well' );

# --- killed before the notice is in the queue ---

$id = post( [], [ [ 'later-3@lmtp.example', ['NOTIFY=SUCCESS'] ], [ 'you@home.example', ['NOTIFY=SUCCESS'] ] ], from => 'boss@home.example' );
chmod 0500, $incoming;    # no mail of ours can be made
outcomes( $id, 'later-3@lmtp.example' => 'delivered', 'you@home.example' => 'delivered' );
ok( $gateway->wait_for_log(qr/$id: its sender can't be told yet/), 'a notice that can\'t be stored is said' );
ok( ( grep { $_ eq $id } $gateway->spooled('queue') ), '… and the message stays' );
$gateway->crash;
chmod $mode, $incoming;
$gateway->start;
($own) = new_notices( 1, 'boss@home.example' );
is( $own->{header}{'message-id'}, "<$id.0.s\@mx.poterne.example>", 'killed before: told once, behind the restart' );
is( scalar @{ $own->{recipients} }, 2, '… of both' );
is( scalar( () = $lmtp->messages('later-3@lmtp.example') ), 1, '… and not delivered again' );
ok( wait_until( 30, sub { $gateway->spooled('queue') == 1 } ), 'what waits for a server that is down is left in the queue' );
is( $gateway->stop, 0, 'the gateway ends' );
$_->stop for $lmtp, $smtp, $asked, $far, $behind, $postfix, $dns, $dovecot ? $dovecot : ();
done_testing();
